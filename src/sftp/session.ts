import type { StreamingBackend } from '../contract/backend.ts';
import type { Connection, Principal } from '../contract/context.ts';
import { FsError, toFsErrorCode } from '../contract/errors.ts';
import type { MemoryAllowance } from '../contract/memory.ts';
import { HandleTable } from './handle-table.ts';
import { handle } from './handlers/table.ts';
import { LIMITS, MAX_OUTSTANDING_REQUESTS } from './limits.ts';
import type { Observe, SessionState } from './state.ts';
import { STATUS_OF } from './status.ts';
import { StatusCode } from './wire/constants.ts';
import { MalformedRequest } from './wire/fields.ts';
import { FramingError, PacketFramer } from './wire/framing.ts';
import { readInit, readRequest } from './wire/read-request.ts';
import { statusReply, versionReply } from './wire/replies.ts';
import type { Request } from './wire/requests.ts';

/** What the session needs of the channel below it. */
export interface SftpTransport {
  /** Sends bytes. A promise means that the client is not taking them: it resolves when it is again. */
  send(bytes: Buffer): Promise<void> | undefined;
  /** Closes the channel: the client broke the protocol. */
  close(reason: string): void;
}

export interface SftpSessionOptions {
  readonly backend: StreamingBackend;
  readonly principal: Principal;
  readonly connection: Connection;
  readonly transport: SftpTransport;
  readonly observe: Observe;
  /** Where the session reserves what it holds of the files that are read. */
  readonly memory: MemoryAllowance;
  /** Hears of every error that is not a POSIX answer of the backend, with the request that met it. */
  readonly onFault: (error: unknown, request: string) => void;
}

interface Pending {
  reply: Buffer | undefined;
}

/** Replies are gathered up to this many bytes before they are sent, so that small ones share a packet. */
const REPLY_BATCH_BYTES = 128 * 1024;

/** Replies that may be held back behind that of a slow CLOSE, in bytes. */
const MAX_HELD_REPLY_BYTES = 1024 * 1024;

/**
 * One SFTP session: bytes of the channel in, reply packets out.
 *
 * Requests are carried out in the order in which they arrive, one after the other, and answered in that order.
 * The one exception is CLOSE, whose slow end (S3 completes, the job is queued) does not hold up requests on
 * other handles; a request that names a path waits for it, so that the results are those of strict order
 * (draft-ietf-secsh-filexfer-02, section 6.1). Everything a handler throws is caught here and nowhere else.
 */
export class SftpSession {
  readonly #options: SftpSessionOptions;
  readonly #state: SessionState;
  readonly #framer = new PacketFramer(LIMITS.maxPacketBytes);
  readonly #gone = new AbortController();
  readonly #pending: Pending[] = [];
  readonly #closing = new Set<Promise<void>>();
  #initialised = false;
  #closed = false;
  #pumping: Promise<void> | undefined;
  #blocked: Promise<void> | undefined;
  #flushScheduled = false;
  #readyBytes = 0;
  #ended: Promise<void> | undefined;
  #quietWaiters: (() => void)[] = [];

  constructor(options: SftpSessionOptions) {
    this.#options = options;
    const { backend, principal, connection, observe, memory } = options;
    this.#state = {
      backend,
      observe,
      memory,
      context: { principal, connection, signal: this.#gone.signal },
      handles: new HandleTable(LIMITS.maxOpenHandles),
    };
  }

  /** Whether the client waits for an answer: it is not idle then, however long the answer takes. */
  get isBusy(): boolean {
    return this.#pending.length > 0;
  }

  /** Uploads that are open or being finished. */
  get uploads(): number {
    return this.#state.handles.uploads + this.#closing.size;
  }

  /**
   * Takes bytes of the channel. A promise means "no room": it resolves when more may come, and nothing should be
   * read off the channel before that. Never rejects.
   */
  receive(chunk: Buffer): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#framer.push(chunk);
    this.#pumping ??= this.#pump()?.finally(() => {
      this.#pumping = undefined;
    });
    return this.#pumping;
  }

  /** Resolves when no upload is open or being finished and every reply is sent, or when the session has ended. */
  whenQuiet(): Promise<void> {
    if (this.#isQuiet) return Promise.resolve();
    return new Promise((resolve) => this.#quietWaiters.push(resolve));
  }

  /** The client sends nothing more, but may still read: what it asked for is answered first. */
  async endOfInput(): Promise<void> {
    await this.#pumping;
    await Promise.all(this.#closing);
    this.#flush();
    while (this.#blocked !== undefined) await this.#blocked;
    await this.end();
  }

  /** The channel is gone: uploads not yet closed by the client are aborted, those being finished go on. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#closed = true;
    this.#gone.abort();
    for (const error of await this.#state.handles.abortAll()) this.#options.onFault(error, 'end');
    await Promise.all(this.#closing);
    this.#notifyQuiet();
  }

  get #isQuiet(): boolean {
    return this.#closed || (this.uploads === 0 && this.#pending.length === 0);
  }

  #notifyQuiet(): void {
    if (!this.#isQuiet) return;
    for (const resolve of this.#quietWaiters.splice(0)) resolve();
  }

  #pump(): Promise<void> | undefined {
    try {
      while (!this.#closed) {
        const wait = this.#step();
        if (wait === 'idle') break;
        if (wait !== undefined) {
          this.#flush();
          return wait.then(() => this.#pump());
        }
      }
    } catch (error) {
      this.#abandon(error);
    }
    this.#flush();
    return undefined;
  }

  /** Takes on one packet, if there is one. A promise must resolve before the next may be. */
  #step(): Promise<void> | 'idle' | undefined {
    if (this.#readyBytes >= REPLY_BATCH_BYTES) this.#flush();
    if (this.#pending.length >= MAX_OUTSTANDING_REQUESTS) this.#flush();
    if (this.#blocked !== undefined) return this.#blocked;
    const isFull =
      this.#pending.length >= MAX_OUTSTANDING_REQUESTS || this.#readyBytes >= MAX_HELD_REPLY_BYTES;
    if (isFull) return Promise.race(this.#closing);
    const packet = this.#framer.next();
    if (packet === undefined) return 'idle';
    if (!this.#initialised) {
      if (readInit(packet) === undefined) throw new FramingError('the first packet is not INIT');
      this.#initialised = true;
      this.#settle(this.#expect(), versionReply());
      return undefined;
    }
    return this.#execute(packet);
  }

  #execute(packet: readonly Buffer[]): Promise<void> | undefined {
    let request: Request;
    try {
      request = readRequest(packet);
    } catch (error) {
      if (!(error instanceof MalformedRequest) || error.id === undefined) throw error;
      this.#refuseMalformed(error.id, error);
      return undefined;
    }
    const pending = this.#expect();
    if (!('handle' in request) && this.#closing.size > 0) {
      const answer = () => (this.#closed ? undefined : this.#answer(request, pending));
      return Promise.all(this.#closing).then(answer);
    }
    const answered = this.#answer(request, pending);
    if (request.kind !== 'close' || answered === undefined) return answered;
    this.#closing.add(answered);
    void answered.then(() => {
      this.#closing.delete(answered);
      this.#notifyQuiet();
    });
    return undefined;
  }

  /** The sole catch. The promise, if there is one, resolves whatever comes. */
  #answer(request: Request, pending: Pending): Promise<void> | undefined {
    try {
      const reply = handle(this.#state, request);
      if (!(reply instanceof Promise)) {
        this.#settle(pending, reply);
        return undefined;
      }
      return reply
        .catch((error) => this.#toStatus(request, error))
        .then((late) => {
          this.#settle(pending, late);
          this.#scheduleFlush();
        });
    } catch (error) {
      this.#settle(pending, this.#toStatus(request, error));
      return undefined;
    }
  }

  /** Bytes or a size that could not be read are missing from the file: its CLOSE must not be OK. */
  #refuseMalformed(id: number, error: MalformedRequest): void {
    const upload = error.handle === undefined ? undefined : this.#state.handles.findUpload(error.handle);
    if (upload !== undefined) upload.failure ??= new FsError('EINVAL', error.message, { cause: error });
    this.#settle(this.#expect(), statusReply(id, StatusCode.BAD_MESSAGE, 'The request is malformed'));
  }

  #expect(): Pending {
    const pending: Pending = { reply: undefined };
    this.#pending.push(pending);
    return pending;
  }

  #settle(pending: Pending, reply: Buffer): void {
    pending.reply = reply;
    this.#readyBytes += reply.length;
  }

  #toStatus(request: Request, error: unknown): Buffer {
    const code = toFsErrorCode(error);
    if (code === 'EIO' && !this.#closed) this.#options.onFault(error, request.kind);
    const [status, sentence] = STATUS_OF[code];
    return statusReply(request.id, status, sentence);
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** Sends the replies that are ready, in the order of their requests. */
  #flush(): void {
    while (!this.#closed && this.#blocked === undefined && this.#pending[0]?.reply !== undefined) {
      const batch: Buffer[] = [];
      let bytes = 0;
      while (bytes < REPLY_BATCH_BYTES) {
        const reply = this.#pending[0]?.reply;
        if (reply === undefined) break;
        this.#pending.shift();
        batch.push(reply);
        bytes += reply.length;
      }
      this.#readyBytes -= bytes;
      const sent = this.#options.transport.send(
        batch.length === 1 ? (batch[0] as Buffer) : Buffer.concat(batch),
      );
      this.#blocked = sent?.then(() => {
        this.#blocked = undefined;
        this.#flush();
      });
    }
    this.#notifyQuiet();
  }

  #abandon(error: unknown): void {
    if (!(error instanceof FramingError || error instanceof MalformedRequest)) {
      this.#options.onFault(error, 'receive');
    }
    this.#options.transport.close(error instanceof Error ? error.message : String(error));
    void this.end();
  }
}
