import { MLKEM768_X25519 } from './algorithms.ts';
import { choose, readKexInit, withKex } from './kexinit.ts';
import { answerMlkem768x25519, type HybridAnswer } from './mlkem768x25519.ts';
import type { KeyExchange, Offer, OnPayload, Payload, Protocol } from './ssh2-internals.ts';

/** What ssh2 takes the hybrid for: it hashes with SHA-256 too, and what differs is replaced. */
const STAND_IN = 'curve25519-sha256';

/** All connections of a server have one offer, and so they have one of these. */
const offers = new WeakMap<Offer, Offer>();

/** Offers the hybrid before everything else. Has an effect until the server's KEXINIT is sent. */
export function offerHybrid(protocol: Protocol): void {
  const offered = offers.get(protocol._offer) ?? withHybrid(protocol._offer);
  offers.set(protocol._offer, offered);
  protocol._offer = offered;
}

function withHybrid(offer: Offer): Offer {
  const { kex, serverHostKey, cs, sc } = offer.lists;
  const namesOf = ({ cipher, mac, compress, lang }: typeof cs) => ({
    cipher: cipher.array,
    mac: mac.array,
    compress: compress.array,
    lang: lang.array,
  });
  const KexInit = offer.constructor as new (lists: object) => Offer;
  return new KexInit({
    kex: [MLKEM768_X25519, ...kex.array],
    serverHostKey: serverHostKey.array,
    cs: namesOf(cs),
    sc: namesOf(sc),
  });
}

/**
 * Hands a client's KEXINIT on. ssh2 has no way to be given a key exchange: when the hybrid is the one that both sides choose, it is
 * shown a KEXINIT with {@link STAND_IN} in its place, and the exchange that it makes of that gets the hybrid's mathematics and the
 * KEXINIT that came (docs/adr/0022).
 */
export function exchangeKeys(protocol: Protocol, kexInit: Payload, next: OnPayload): ReturnType<OnPayload> {
  const kex = readKexInit(kexInit)?.kex ?? [];
  if (choose(protocol._offer.lists.kex.array, kex) !== MLKEM768_X25519) return next(kexInit);
  // What comes in lies in a buffer that is used again, and this is needed once more: for the hash.
  const original = Buffer.from(kexInit);
  const before = protocol._kex;
  const answer = next(
    withKex(
      kexInit,
      kex.map((name) => (name === MLKEM768_X25519 ? STAND_IN : name)),
    ),
  );
  // There is none when the client and the server have another algorithm not in common.
  if (protocol._kex !== undefined && protocol._kex !== before) makeHybrid(protocol._kex, original);
  return answer;
}

function makeHybrid(exchange: KeyExchange, kexInit: Payload): void {
  let answer: HybridAnswer | undefined;
  exchange.negotiated.kex = MLKEM768_X25519;
  exchange._remoteKexinit = kexInit;
  exchange.convertPublicKey = (clientInit) => clientInit;
  exchange.computeSecret = (clientInit) => {
    try {
      answer = answerMlkem768x25519(clientInit);
      return answer.secret;
    } catch (error) {
      return error as Error;
    }
  };
  exchange.getPublicKey = () => {
    if (answer === undefined) throw new Error('asked for before the secret');
    return answer.reply;
  };
}
