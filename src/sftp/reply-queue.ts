import { MAX_OUTSTANDING_REQUESTS } from './limits.ts';
import { LargeReply, type Reply } from './wire/replies.ts';

/** A request whose reply is due. */
export interface Pending {
  reply: Buffer | undefined;
}

/** Replies are gathered up to this many bytes before they are sent, so that small ones share a packet. */
const REPLY_BATCH_BYTES = 128 * 1024;

/** Replies that may be held back behind that of a slow CLOSE, in bytes. */
const MAX_HELD_REPLY_BYTES = 1024 * 1024;

export interface ReplyQueueOptions {
  /** As that of the transport. */
  readonly send: (pieces: readonly Buffer[]) => Promise<void> | undefined;
  /** Runs after every flush. */
  readonly onFlushed: () => void;
}

/** The replies of one session: sent in the order of their requests, in few packets, and never past a client that stalls. */
export class ReplyQueue {
  readonly #options: ReplyQueueOptions;
  readonly #pending: Pending[] = [];
  #readyBytes = 0;
  #blocked: Promise<void> | undefined;
  #flushScheduled = false;
  #closed = false;

  constructor(options: ReplyQueueOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** While the client takes no replies: resolves when it does again. */
  get blocked(): Promise<void> | undefined {
    return this.#blocked;
  }

  /** Whether no further request may be taken on before an earlier one is answered. */
  get isFull(): boolean {
    return this.#hasMostRequests || this.#readyBytes >= MAX_HELD_REPLY_BYTES;
  }

  /** The place of the next reply. */
  expect(): Pending {
    const pending: Pending = { reply: undefined };
    this.#pending.push(pending);
    return pending;
  }

  /** A large reply whose turn it is goes at once, from where its bytes lie. */
  settle(pending: Pending, reply: Reply): void {
    if (reply instanceof LargeReply) {
      this.flush();
      if (this.#isNext(pending)) {
        this.#pending.shift();
        this.#send(reply.pieces);
        return;
      }
    }
    pending.reply = reply instanceof LargeReply ? reply.join() : reply;
    this.#readyBytes += reply.length;
  }

  /** Sends what is ready if there is enough of it, or no room for more requests. */
  flushIfDue(): void {
    if (this.#readyBytes >= REPLY_BATCH_BYTES || this.#hasMostRequests) this.flush();
  }

  /** Flushes at the end of this turn, so that what is settled together is sent together. */
  scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  /** Sends the replies that are ready, in the order of their requests. */
  flush(): void {
    while (this.#pending[0]?.reply !== undefined && this.#isNext(this.#pending[0])) {
      const batch = this.#takeBatch();
      this.#send(batch.length === 1 ? batch : [Buffer.concat(batch)]);
    }
    this.#options.onFlushed();
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true;
  }

  #isNext(pending: Pending): boolean {
    return !this.#closed && this.#blocked === undefined && this.#pending[0] === pending;
  }

  #send(pieces: readonly Buffer[]): void {
    this.#blocked = this.#options.send(pieces)?.then(() => {
      this.#blocked = undefined;
      this.flush();
    });
  }

  get #hasMostRequests(): boolean {
    return this.#pending.length >= MAX_OUTSTANDING_REQUESTS;
  }

  #takeBatch(): Buffer[] {
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
    return batch;
  }
}
