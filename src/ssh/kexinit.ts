import type { Algorithms } from './algorithms.ts';

/** The lists of a KEXINIT in their order (RFC 4253, section 7.1). */
const LISTS = [
  'kex',
  'serverHostKey',
  'cipherIn',
  'cipherOut',
  'macIn',
  'macOut',
  'compressIn',
  'compressOut',
] as const;

/** What a client offers, best first; in and out as the server sees it. */
export type ClientOffer = Readonly<Record<(typeof LISTS)[number], readonly string[]>>;

/** Before the lists: the number of the message and a cookie. */
const HEAD_BYTES = 1 + 16;

/** Undefined when it is cut or malformed. */
export function readKexInit(payload: Buffer): ClientOffer | undefined {
  const offer: Partial<Record<(typeof LISTS)[number], string[]>> = {};
  let at = HEAD_BYTES;
  for (const list of LISTS) {
    if (payload.length < at + 4) return undefined;
    const end = at + 4 + payload.readUInt32BE(at);
    if (payload.length < end) return undefined;
    offer[list] = payload.toString('latin1', at + 4, end).split(',');
    at = end;
  }
  return offer as ClientOffer;
}

/** The same KEXINIT with other algorithms for the key exchange. */
export function withKex(payload: Buffer, kex: readonly string[]): Buffer {
  const list = Buffer.from(kex.join(','), 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(list.length);
  const rest = HEAD_BYTES + 4 + payload.readUInt32BE(HEAD_BYTES);
  return Buffer.concat([payload.subarray(0, HEAD_BYTES), length, list, payload.subarray(rest)]);
}

/** The first of the client's that the server has too; the client's order decides. */
export function choose(ours: readonly string[], theirs: readonly string[]): string | undefined {
  return theirs.find((name) => ours.includes(name));
}

/** Ciphers that prove their packets themselves and need no MAC (RFC 5647, and OpenSSH's PROTOCOL.chacha20poly1305). */
const isAuthenticated = (cipher: string) => /gcm|poly1305/.test(cipher);

/** Whether a client and a server that offers these come to terms. */
export function isServed(offer: ClientOffer, ours: Algorithms): boolean {
  const isAgreed = (ciphers: readonly string[], macs: readonly string[]) => {
    const cipher = choose(ours.cipher, ciphers);
    return cipher !== undefined && (isAuthenticated(cipher) || choose(ours.hmac, macs) !== undefined);
  };
  return (
    choose(ours.kex, offer.kex) !== undefined &&
    choose(ours.serverHostKey, offer.serverHostKey) !== undefined &&
    isAgreed(offer.cipherIn, offer.macIn) &&
    isAgreed(offer.cipherOut, offer.macOut) &&
    offer.compressIn.includes('none') &&
    offer.compressOut.includes('none')
  );
}
