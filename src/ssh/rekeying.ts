import type { Socket } from 'node:net';
import type { Connection as SshClient } from 'ssh2';
import type { SocketValve } from './socket-valve.ts';

const GIB = 1024 ** 3;

/**
 * Bytes, in both directions, after which the server asks for new keys: 2**32 blocks of a cipher with blocks of 16 bytes (RFC 4344, section
 * 3.2), 1 GiB otherwise (RFC 4253, section 9). OpenSSH's own default. No packet is shorter than 32 bytes, so there are less than
 * 2**31 of them by then, as RFC 4344 asks.
 */
const bytesPerKey = (cipher: string) => (cipher.startsWith('chacha20') ? GIB : 64 * GIB);

/** Exchanges that a client may ask for at once. It gets one back with each 512 KiB that are transferred, and each second. */
const BURST = 20;
const BYTES_PER_EXCHANGE = 512 * 1024;
const MS_PER_EXCHANGE = 1000;

/** How long a client may take over an exchange, in milliseconds: what it is to be told waits here meanwhile. */
const TIMEOUT_MS = 60_000;

export interface RekeyingOptions {
  readonly client: SshClient;
  readonly socket: Socket;
  readonly valve: SocketValve;
  /** The client does not come to an end with an exchange. */
  readonly onStalled: () => void;
  /** Instead of what the cipher allows. */
  readonly bytesPerKey?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * Exchanges of keys after the first: asks for them when the keys have seen enough, and keeps clients from asking for nothing else, since
 * each takes milliseconds of CPU time. While one is under way nothing but its own messages may be sent (RFC 4253, section 7.1); ssh2
 * keeps what there is to send until it is over, in memory, so those who send are to wait for {@link pending}.
 */
export class Rekeying {
  readonly #options: RekeyingOptions;
  /** Bytes transferred when the keys were made that are in use. */
  #bytes = 0;
  #allowed = BURST;
  /** What has been counted into that, in bytes transferred and milliseconds. */
  #counted = { bytes: 0, at: performance.now() };
  #bytesPerKey = Number.POSITIVE_INFINITY;
  #exchanges = 0;
  #isOurs = false;
  #pending: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #timeout: NodeJS.Timeout | undefined;

  constructor(options: RekeyingOptions) {
    this.#options = options;
    const { client, socket } = options;
    client.on('handshake', ({ cs, sc }) => {
      this.#bytesPerKey = options.bytesPerKey ?? Math.min(bytesPerKey(cs.cipher), bytesPerKey(sc.cipher));
      this.#end();
    });
    client.once('ready', () => socket.on('data', () => this.#askIfDue()));
    socket.once('close', () => clearTimeout(this.#timeout));
  }

  /** Resolves at the end of the exchange that is under way; undefined when none is. */
  get pending(): Promise<void> | undefined {
    return this.#pending?.promise;
  }

  /** The client's KEXINIT has come. False when it has asked too often. */
  begin(): boolean {
    this.#exchanges += 1;
    if (this.#exchanges === 1) return true;
    if (!this.#isOurs) {
      this.#gain();
      if (this.#allowed < 1) return false;
      this.#allowed -= 1;
    }
    this.#wait();
    return true;
  }

  get #transferred(): number {
    const { bytesRead, bytesWritten } = this.#options.socket;
    return bytesRead + bytesWritten;
  }

  #gain(): void {
    const [bytes, at] = [this.#transferred, performance.now()];
    const { bytes: bytesBefore, at: before } = this.#counted;
    const gained = (bytes - bytesBefore) / BYTES_PER_EXCHANGE + (at - before) / MS_PER_EXCHANGE;
    this.#allowed = Math.min(BURST, this.#allowed + gained);
    this.#counted = { bytes, at };
  }

  #askIfDue(): void {
    if (this.#pending !== undefined || this.#transferred - this.#bytes < this.#bytesPerKey) return;
    this.#isOurs = true;
    this.#wait();
    this.#options.client.rekey();
  }

  #wait(): void {
    if (this.#pending !== undefined) return;
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.#pending = { promise, resolve };
    const { timeoutMs = TIMEOUT_MS, valve, onStalled } = this.#options;
    this.#timeout = setTimeout(() => {
      // What the client has sent for the exchange waits with everything else until the socket is read again.
      if (valve.isShut) this.#timeout?.refresh();
      else onStalled();
    }, timeoutMs);
  }

  #end(): void {
    this.#bytes = this.#transferred;
    this.#isOurs = false;
    clearTimeout(this.#timeout);
    this.#pending?.resolve();
    this.#pending = undefined;
  }
}
