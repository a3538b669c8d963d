import type { StreamingBackend } from '../contract/backend.ts';
import type { Connection, Principal } from '../contract/context.ts';
import { FsError, toFsErrorCode } from '../contract/errors.ts';
import type { MemoryAllowance } from '../contract/memory.ts';
import type { Pace } from '../contract/pace.ts';
import { ArrivingWrite } from './arriving-write.ts';
import { HandleTable } from './handle-table.ts';
import { handle } from './handlers/table.ts';
import { LIMITS } from './limits.ts';
import { Parting } from './parting.ts';
import { type Pending, ReplyQueue } from './reply-queue.ts';
import type { NamedRequest, RequestObserver, SessionState } from './state.ts';
import { STATUS_OF } from './status.ts';
import { StatusCode } from './wire/constants.ts';
import { MalformedRequest } from './wire/fields.ts';
import { FramingError, PacketFramer } from './wire/framing.ts';
import { readInit, readRequest } from './wire/read-request.ts';
import { type Reply, statusReply, versionReply } from './wire/replies.ts';
import type { Request } from './wire/requests.ts';

/** What the session needs of the channel below it. */
export interface SftpTransport {
  /**
   * Sends bytes, and is done with the pieces when it returns. A promise means that the client is not taking them: it resolves when
   * it is again.
   */
  send(pieces: readonly Buffer[]): Promise<void> | undefined;
  /** Closes the channel: the client broke the protocol. */
  close(reason: string): void;
}

export interface SftpSessionOptions {
  readonly backend: StreamingBackend;
  readonly principal: Principal;
  readonly connection: Connection;
  readonly transport: SftpTransport;
  readonly observer: RequestObserver;
  /** Where the session reserves what it holds of the files that are read. */
  readonly memory: MemoryAllowance;
  /** How fast files may be read; undefined: as fast as it goes. */
  readonly pace?: Pace | undefined;
  /** Hears of every error that is not a POSIX answer of the backend, with the request that met it. */
  readonly onFault: (error: unknown, request: string) => void;
}

/** What an answer needs to know of its request. */
type Asked = Pick<Request | ArrivingWrite, 'id' | 'kind'> & NamedRequest;

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
  readonly #replies: ReplyQueue;
  readonly #closing = new Set<Promise<void>>();
  #arriving: ArrivingWrite | undefined;
  #initialised = false;
  #closed = false;
  #pumping: Promise<void> | undefined;
  #ended: Promise<void> | undefined;
  #hasEnded = false;
  #parting: Parting | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(options: SftpSessionOptions) {
    this.#options = options;
    const { backend, principal, connection, transport, observer, memory, pace } = options;
    this.#replies = new ReplyQueue({
      send: (pieces) => {
        this.#answeredAt = performance.now();
        return transport.send(pieces);
      },
      onFlushed: () => this.#parting?.look(),
    });
    this.#state = {
      backend,
      observer,
      memory,
      pace,
      context: { principal, connection, signal: this.#gone.signal },
      handles: new HandleTable(LIMITS.maxOpenHandles),
    };
  }

  /**
   * Whether the client waits for an answer, or for room in mid-packet: it is not idle then, however long that takes.
   * One that takes no replies waits for nothing.
   */
  get isBusy(): boolean {
    return this.#replies.blocked === undefined && (!this.#replies.isEmpty || this.#pumping !== undefined);
  }

  /** Uploads that are open or being finished. */
  get uploads(): number {
    return this.#state.handles.uploads + this.#closing.size;
  }

  /**
   * Takes bytes of the channel, and is done with `chunk` when it returns: what is not used at once is copied. A promise means "no
   * room": it resolves when more may come, and nothing should be read off the channel before that. Never rejects.
   */
  receive(chunk: Buffer): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#framer.push(chunk);
    this.#pumping ??= this.#pump()?.finally(() => {
      this.#pumping = undefined;
    });
    this.#framer.keep();
    return this.#pumping;
  }

  /**
   * Opens nothing more, and lets the client finish what it has open. Resolves when the session may be ended: nothing is
   * open, every reply is sent, and the client has had its {@link LULL_MS} since; or its OPEN was refused; or it has gone.
   */
  drain(): Promise<void> {
    const { handles } = this.#state;
    handles.refuseMore();
    this.#parting ??= new Parting({
      isOver: () => this.#hasEnded || (this.#isQuiet && handles.hasRefused),
      quietSince: () => (this.#isQuiet ? this.#answeredAt : undefined),
    });
    return this.#parting.isDue;
  }

  /** Takes no further request and aborts what is open; what is being done already is answered first. */
  async cutOff(): Promise<void> {
    this.#closed = true;
    await this.#abortOpen();
    await this.endOfInput();
  }

  /** The client sends nothing more, but may still read: what it asked for is answered first. */
  async endOfInput(): Promise<void> {
    await this.#pumping;
    await Promise.all(this.#closing);
    this.#replies.flush();
    while (this.#replies.blocked !== undefined) await this.#replies.blocked;
    await this.end();
  }

  /** The channel is gone: uploads not yet closed by the client are aborted, those being finished go on. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#closed = true;
    this.#replies.close();
    this.#gone.abort();
    await this.#abortOpen();
    await Promise.all(this.#closing);
    this.#hasEnded = true;
    this.#parting?.look();
  }

  async #abortOpen(): Promise<void> {
    for (const error of await this.#state.handles.abortAll()) this.#options.onFault(error, 'end');
  }

  get #isQuiet(): boolean {
    const { isEmpty, blocked } = this.#replies;
    return this.#state.handles.size === 0 && isEmpty && blocked === undefined;
  }

  #pump(): Promise<void> | undefined {
    try {
      while (!this.#closed) {
        const wait = this.#step();
        if (wait === 'idle') break;
        if (wait !== undefined) {
          this.#replies.flush();
          return wait.then(() => this.#pump());
        }
      }
    } catch (error) {
      this.#abandon(error);
    }
    this.#replies.flush();
    return undefined;
  }

  /**
   * Takes on one packet, if there is one. A promise must resolve before the next may be. A WRITE is carried out as it arrives, so that
   * nothing here holds its payload; other packets have to be whole.
   */
  #step(): Promise<void> | 'idle' | undefined {
    this.#replies.flushIfDue();
    if (this.#replies.blocked !== undefined) return this.#replies.blocked;
    if (this.#replies.isFull) return Promise.race(this.#closing);
    if (this.#arriving !== undefined) return this.#continue(this.#arriving);
    if (this.#initialised) this.#arriving = ArrivingWrite.begin(this.#framer, this.#state.handles);
    if (this.#arriving !== undefined) return this.#continue(this.#arriving);
    const packet = this.#framer.next();
    if (packet === undefined) return 'idle';
    if (!this.#initialised) {
      if (readInit(packet) === undefined) throw new FramingError('the first packet is not INIT');
      this.#initialised = true;
      this.#replies.settle(this.#replies.expect(), versionReply());
      return undefined;
    }
    return this.#execute(packet);
  }

  #continue(write: ArrivingWrite): Promise<void> | 'idle' | undefined {
    const progress = write.advance();
    if (progress === 'incomplete') return 'idle';
    if (progress !== 'complete') return progress;
    this.#arriving = undefined;
    return this.#answer(write, this.#replies.expect(), () => write.reply());
  }

  #execute(packet: readonly Buffer[]): Promise<void> | undefined {
    let request: Request;
    try {
      request = readRequest(packet);
    } catch (error) {
      if (!(error instanceof MalformedRequest) || error.id === undefined) throw error;
      this.#replies.settle(this.#replies.expect(), this.#refuseMalformed(error.id, error));
      return undefined;
    }
    const pending = this.#replies.expect();
    const run = () => handle(this.#state, request);
    if (!('handle' in request) && this.#closing.size > 0) {
      const answer = () => (this.#closed ? undefined : this.#answer(request, pending, run));
      return Promise.all(this.#closing).then(answer);
    }
    const answered = this.#answer(request, pending, run);
    if (request.kind !== 'close' || answered === undefined) return answered;
    this.#closing.add(answered);
    void answered.then(() => this.#closing.delete(answered));
    return undefined;
  }

  /** The sole catch. The promise, if there is one, resolves whatever comes. */
  #answer(request: Asked, pending: Pending, run: () => Reply | Promise<Reply>): Promise<void> | undefined {
    try {
      const reply = run();
      if (!(reply instanceof Promise)) {
        this.#replies.settle(pending, reply);
        return undefined;
      }
      return reply
        .catch((error) => this.#toStatus(request, error))
        .then((late) => {
          this.#replies.settle(pending, late);
          this.#replies.scheduleFlush();
        });
    } catch (error) {
      this.#replies.settle(pending, this.#toStatus(request, error));
      return undefined;
    }
  }

  /** Bytes or a size that could not be read are missing from the file: its CLOSE must not be OK. */
  #refuseMalformed(id: number, error: MalformedRequest): Buffer {
    const upload = error.handle === undefined ? undefined : this.#state.handles.findUpload(error.handle);
    if (upload !== undefined) upload.failure ??= new FsError('EINVAL', error.message, { cause: error });
    return statusReply(id, StatusCode.BAD_MESSAGE, 'The request is malformed');
  }

  #toStatus(request: Asked, error: unknown): Buffer {
    if (error instanceof MalformedRequest) return this.#refuseMalformed(request.id, error);
    const code = toFsErrorCode(error);
    if (code !== 'EIO') this.#options.observer.refused(error, request);
    else if (!this.#closed) this.#options.onFault(error, request.kind);
    const [status, sentence] = STATUS_OF[code];
    return statusReply(request.id, status, sentence);
  }

  #abandon(error: unknown): void {
    if (!(error instanceof FramingError || error instanceof MalformedRequest)) {
      this.#options.onFault(error, 'receive');
    }
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.observer.broken(reason);
    this.#options.transport.close(reason);
    void this.end();
  }
}
