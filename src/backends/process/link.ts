import { setTimeout as sleep } from 'node:timers/promises';
import { FsError } from '../../contract/errors.ts';
import type { Channel } from './channel.ts';
import { Peer, type PeerOptions } from './peer.ts';
import { PROTOCOL_VERSION, REQUIRED_OPERATIONS, type ResultOf } from './protocol.ts';

/** What a backend says of itself. */
export type Hello = ResultOf<'hello'>;

/** What is known of one that does not answer `hello`: it has the operations of whole files. */
const PLAIN: Hello = { version: PROTOCOL_VERSION, name: 'process', operations: [...REQUIRED_OPERATIONS] };

/** Before the process is started again, in milliseconds; it doubles with each life that was short. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;

export interface LinkOptions extends PeerOptions {
  readonly connect: () => Promise<Channel>;
}

/** The way to a process that may die: the next who needs it has it started, or reached, again. */
export class Link {
  readonly #options: LinkOptions;
  #peer: Peer | undefined;
  #connecting: Promise<Peer> | undefined;
  #hello: Hello | undefined;
  #pause = 0;
  #connectedAt = 0;
  readonly #closing = new AbortController();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** The process as it lives now. @throws FsError `EIO` when there is none within `timeout` milliseconds. */
  async peer(timeout: number): Promise<Peer> {
    if (this.#peer?.isClosed === false) return this.#peer;
    this.#connecting ??= this.#connect(timeout).finally(() => {
      this.#connecting = undefined;
    });
    return await this.#connecting;
  }

  /** What it said when it was first met. */
  async hello(timeout: number): Promise<Hello> {
    await this.peer(timeout);
    return this.#hello as Hello;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connecting?.catch(() => undefined);
    await this.#peer?.close();
  }

  async #connect(timeout: number): Promise<Peer> {
    const deadline = performance.now() + timeout;
    const { signal } = this.#closing;
    if (performance.now() - this.#connectedAt > LONGEST_PAUSE_MS) this.#pause = 0;
    for (;;) {
      const left = deadline - performance.now();
      try {
        if (this.#pause > 0) await sleep(Math.min(this.#pause, Math.max(left, 0)), undefined, { signal });
        signal.throwIfAborted();
        this.#peer = await this.#meet(Math.max(deadline - performance.now(), 1));
        return this.#peer;
      } catch (cause) {
        if (signal.aborted || performance.now() + this.#pause >= deadline) {
          throw new FsError('EIO', 'the process of the backend cannot be reached', { cause });
        }
      } finally {
        this.#pause = Math.min(Math.max(this.#pause * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
        this.#connectedAt = performance.now();
      }
    }
  }

  /** One life of the process, which must offer what it offered in its first. */
  async #meet(timeout: number): Promise<Peer> {
    const deadline = performance.now() + timeout;
    const peer = new Peer(await openWithin(timeout, this.#options.connect()), this.#options);
    try {
      const hello = await askHello(peer, Math.max(deadline - performance.now(), 1));
      this.#hello ??= hello;
      const missing = this.#hello.operations.filter((operation) => !hello.operations.includes(operation));
      if (missing.length > 0) throw new Error(`it does not offer ${missing.join(', ')} any more`);
      for (const operation of hello.operations) peer.offers.add(operation);
      return peer;
    } catch (error) {
      await peer.close(error);
      throw error;
    }
  }
}

/** A channel that comes too late is closed. */
async function openWithin(timeout: number, connecting: Promise<Channel>): Promise<Channel> {
  const done = new AbortController();
  const tooLate = sleep(timeout, undefined, { signal: done.signal }).then(() => {
    void connecting.then((channel) => channel.close()).catch(() => undefined);
    throw new FsError('ETIMEDOUT', `no connection within ${timeout} ms`);
  });
  try {
    return await Promise.race([connecting, tooLate]);
  } finally {
    done.abort();
    tooLate.catch(() => undefined);
  }
}

async function askHello(peer: Peer, timeout: number): Promise<Hello> {
  try {
    const { ok } = await peer.request('hello', { version: PROTOCOL_VERSION }, { timeout });
    const missing = REQUIRED_OPERATIONS.filter((operation) => !ok.operations.includes(operation));
    if (missing.length > 0) throw new Error(`it does not offer ${missing.join(', ')}`);
    return ok;
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENOTSUP') return PLAIN;
    throw error;
  }
}
