import { FS_ERROR_CODES, FsError, type FsErrorCode } from '../../contract/errors.ts';
import type { Channel } from './channel.ts';
import {
  type Operation,
  PROTOCOL_VERSION,
  type Reply,
  type RequestOf,
  type ResultOf,
  replySchema,
  resultSchemas,
  WITH_BYTES,
} from './protocol.ts';

/** What a request says besides its number and its operation. */
export type FieldsOf<Op extends Operation> = Omit<RequestOf<Op>, 'id' | 'op'>;

export interface Waiting {
  /** Milliseconds, after which it rejects `ETIMEDOUT`. */
  readonly timeout: number;
  /** When it is aborted nobody waits any more: the request rejects `ECANCELED` at once. */
  readonly signal?: AbortSignal;
}

export interface Answer<Op extends Operation> {
  readonly ok: ResultOf<Op>;
  /** Of a read, or memory that comes back; empty where there are none. */
  readonly bytes: Uint8Array;
}

export interface PeerOptions {
  /** Told once of what is no reply, and of the end. */
  readonly onFault: (fault: string, cause?: unknown) => void;
  /** How long one that has fallen silent has to give a sign of life, in milliseconds. */
  readonly patience: number;
}

interface Pending {
  settle(reply: Reply): void;
  reject(error: unknown): void;
}

const NO_BYTES = new Uint8Array(0);
const CODES: ReadonlySet<string> = new Set(FS_ERROR_CODES);

/** One life of a process that a backend lives in: requests to it, and the replies, by their numbers. */
export class Peer {
  readonly #channel: Channel;
  readonly #options: PeerOptions;
  readonly #pending = new Map<number, Pending>();
  /** What its answer to `hello` offers. */
  readonly offers = new Set<string>();
  #lastId = 0;
  #heardAt = performance.now();
  #isProbed = false;
  #hasFaulted = false;
  #end: FsError | undefined;

  constructor(channel: Channel, options: PeerOptions) {
    this.#channel = channel;
    this.#options = options;
    channel.receive({
      message: (message) => this.#receive(message),
      closed: (cause) => this.#close(cause),
    });
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** The number that the next request will have: whatever it opens is called by it. */
  get nextId(): number {
    return this.#lastId + 1;
  }

  /**
   * Asks, and waits for the answer. `bytes` among the fields are the channel's from then on.
   * @throws FsError what the process answers; `EIO` when it dies, or answers what makes no sense; `ETIMEDOUT`, `ECANCELED`.
   */
  request<Op extends Operation>(op: Op, fields: FieldsOf<Op>, waiting: Waiting): Promise<Answer<Op>> {
    const { timeout, signal } = waiting;
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end);
      if (signal?.aborted) return reject(new FsError('ECANCELED', 'nobody waits for it'));
      this.#lastId += 1;
      const id = this.#lastId;
      const askedAt = performance.now();
      const done = () => {
        this.#pending.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
      };
      const fail = (error: unknown) => {
        done();
        reject(error);
      };
      const giveUp = (error: FsError) => {
        fail(error);
        if (this.offers.has('cancel')) this.tell('cancel', { request: id });
      };
      const cancel = () => giveUp(new FsError('ECANCELED', 'nobody waits for it'));
      const timer = setTimeout(() => {
        giveUp(new FsError('ETIMEDOUT', `no answer to ${op} within ${timeout} ms`));
        if (this.#heardAt < askedAt) this.#probe();
      }, timeout);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#pending.set(id, {
        reject: fail,
        settle: (reply) => {
          done();
          try {
            resolve(this.#read(op, reply));
          } catch (error) {
            reject(error);
          }
        },
      });
      this.#channel.send({ id, op, ...fields });
    });
  }

  /** Asks without waiting for an answer. */
  tell<Op extends Operation>(op: Op, fields: FieldsOf<Op>): void {
    if (this.#end !== undefined) return;
    this.#lastId += 1;
    this.#channel.send({ id: this.#lastId, op, ...fields });
  }

  /** Ends this life of the process: what is pending rejects `EIO`. */
  async close(cause?: unknown): Promise<void> {
    this.#close(cause);
    await this.#channel.close();
  }

  #receive(message: unknown): void {
    this.#heardAt = performance.now();
    const { success, data, error } = replySchema.safeParse(message);
    if (!success) {
      this.#fault('a message that is no reply', error);
      const { id } = (message ?? {}) as { readonly id?: unknown };
      // It will not be answered a second time.
      if (typeof id === 'number')
        this.#pending.get(id)?.reject(new FsError('EIO', 'the reply makes no sense'));
      return;
    }
    // A number that nobody waits for belongs to a request that was given up.
    this.#pending.get(data.id)?.settle(data);
  }

  #read<Op extends Operation>(op: Op, { ok, bytes = NO_BYTES, error }: Reply): Answer<Op> {
    if (error !== undefined) {
      const { code, message } = error;
      const isKnown = CODES.has(code);
      throw new FsError(isKnown ? (code as FsErrorCode) : 'EIO', isKnown ? message : `${code} ${message}`);
    }
    const result = resultSchemas[op].safeParse(ok);
    if (!result.success) {
      this.#fault(`a reply to ${op} that makes no sense`, result.error);
      throw new FsError('EIO', `the reply to ${op} makes no sense`, { cause: result.error });
    }
    return { ok: result.data as ResultOf<Op>, bytes: WITH_BYTES.has(op) ? bytes : NO_BYTES };
  }

  /** Whether it only takes long or hangs: one whose event loop turns answers `hello` at once, whatever that answer is. */
  #probe(): void {
    if (this.#isProbed || this.#end !== undefined) return;
    this.#isProbed = true;
    const probedAt = performance.now();
    this.tell('hello', { version: PROTOCOL_VERSION });
    setTimeout(() => {
      this.#isProbed = false;
      if (this.#heardAt < probedAt) void this.close(new Error('it has fallen silent'));
    }, this.#options.patience).unref();
  }

  #fault(fault: string, cause?: unknown): void {
    if (this.#hasFaulted) return;
    this.#hasFaulted = true;
    this.#options.onFault(fault, cause);
  }

  #close(cause: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = new FsError('EIO', 'the process of the backend is gone', { cause });
    for (const { reject } of [...this.#pending.values()]) reject(this.#end);
    this.#options.onFault('the process of the backend is gone', cause);
    // Whatever is left of it: a worker that has thrown, a child that has let go of its end.
    void this.#channel.close();
  }
}
