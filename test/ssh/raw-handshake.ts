import { createDecipheriv, createHash, createPublicKey, verify } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export const KEXINIT = 20;
export const NEWKEYS = 21;
export const KEX_INIT = 30;
export const KEX_REPLY = 31;

const IDENT = 'SSH-2.0-raw';

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function string(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** The strings of a message from `at` on. */
export function strings(payload: Buffer, at: number, count: number): Buffer[] {
  const found: Buffer[] = [];
  for (let start = at; found.length < count; ) {
    const end = start + 4 + payload.readUInt32BE(start);
    found.push(payload.subarray(start + 4, end));
    start = end;
  }
  return found;
}

export interface Lists {
  readonly kex: string;
  readonly hostKey?: string;
  readonly cipher?: string;
  readonly mac?: string;
  readonly compress?: string;
}

export function kexInit({
  kex,
  hostKey = 'ssh-ed25519',
  cipher = 'aes128-gcm@openssh.com',
  mac = 'hmac-sha2-256',
  compress = 'none',
}: Lists): Buffer {
  const lists = [kex, hostKey, cipher, cipher, mac, mac, compress, compress, '', ''];
  return Buffer.concat([Buffer.from([KEXINIT]), Buffer.alloc(16, 7), ...lists.map(string), Buffer.alloc(5)]);
}

/** One message without encryption (RFC 4253, section 6). */
export function packet(payload: Uint8Array): Buffer {
  const padding = 8 - ((payload.length + 5) % 8);
  const filler = padding < 4 ? padding + 8 : padding;
  return Buffer.concat([
    u32(payload.length + filler + 1),
    Buffer.from([filler]),
    payload,
    Buffer.alloc(filler),
  ]);
}

/** A client of single bytes: what it sends is what the test says, as far as the first keys. */
export class RawClient {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  #received: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #hasEnded = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    this.ended = new Promise((resolve) =>
      this.socket.once('close', () => {
        this.#hasEnded = true;
        this.#wake();
        resolve();
      }),
    );
  }

  /** Both say which software they are; resolves with the server's line. */
  async identify(): Promise<string> {
    this.socket.write(`${IDENT}\r\n`);
    await this.#until(() => this.#received.includes('\n'));
    const end = this.#received.indexOf('\n') + 1;
    return this.take(end).then((line) => line.toString('latin1').trim());
  }

  send(payload: Uint8Array): void {
    this.socket.write(packet(payload));
  }

  /** The next message, without its padding; rejects when the connection ends before. */
  async receive(): Promise<Buffer> {
    const length = (await this.take(4)).readUInt32BE(0);
    const bytes = await this.take(length);
    return bytes.subarray(1, length - (bytes[0] as number));
  }

  async take(count: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= count);
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }

  async #until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.#hasEnded) throw new Error('the connection has ended');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export interface Exchanged {
  readonly serverIdent: string;
  readonly clientKexInit: Buffer;
  readonly serverKexInit: Buffer;
  readonly clientPublic: Buffer;
  /** KEX_REPLY, whole. */
  readonly reply: Buffer;
}

/** The hash H (RFC 4253, section 8; RFC 5656, section 4) with a secret that is a string. */
export function exchangeHash(exchanged: Exchanged, secret: Uint8Array): Buffer {
  const [hostKey, serverPublic] = strings(exchanged.reply, 1, 2) as [Buffer, Buffer];
  const parts = [
    IDENT,
    exchanged.serverIdent,
    exchanged.clientKexInit,
    exchanged.serverKexInit,
    hostKey,
    exchanged.clientPublic,
    serverPublic,
    secret,
  ];
  return createHash('sha256')
    .update(Buffer.concat(parts.map(string)))
    .digest();
}

/** Whether the server's Ed25519 key has signed the hash. */
export function isSigned({ reply }: Exchanged, hash: Buffer): boolean {
  const [hostKey, , signature] = strings(reply, 1, 3) as [Buffer, Buffer, Buffer];
  const [, key] = strings(hostKey, 0, 2) as [Buffer, Buffer];
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return verify(null, hash, publicKey, (strings(signature, 0, 2) as [Buffer, Buffer])[1]);
}

/** The first message that the server sends by its new keys, of aes128-gcm@openssh.com (RFC 4253, section 7.2; RFC 5647). */
export async function receiveEncrypted(client: RawClient, secret: Uint8Array, hash: Buffer): Promise<Buffer> {
  const derive = (letter: string, bytes: number) =>
    createHash('sha256')
      .update(Buffer.concat([string(secret), hash, Buffer.from(letter), hash]))
      .digest()
      .subarray(0, bytes);
  const length = await client.take(4);
  const decipher = createDecipheriv('aes-128-gcm', derive('D', 16), derive('B', 12));
  decipher.setAAD(length);
  const encrypted = await client.take(length.readUInt32BE(0));
  decipher.setAuthTag(await client.take(16));
  const bytes = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  return bytes.subarray(1, bytes.length - (bytes[0] as number));
}
