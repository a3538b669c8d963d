import type { FileRange, Upload } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';
import type { FileAttributes, StoredFile } from '../../contract/types.ts';
import type { Answer, FieldsOf, Peer } from './peer.ts';
import type { Request } from './protocol.ts';
import { BATCH_BYTES, type BatchMemory, WriteBatch } from './write-batch.ts';

/** Bytes of one upload that the other side has not acknowledged yet: with more, the client waits. */
const WINDOW_BYTES = 4 * BATCH_BYTES;

/** How long a batch waits for more, in milliseconds: each message wakes the other side, which costs more than the message. */
const GATHERING_MS = 20;

type UploadOperation = Extract<Request, { upload: number }>['op'];

export interface ProcessUploadOptions {
  readonly peer: Peer;
  /** Of the request that opened it. */
  readonly id: number;
  readonly path: string;
  readonly size: number;
  readonly append: boolean;
  /** Whether its backend copies within itself. */
  readonly copies: boolean;
  /** Session and trace of each request. */
  readonly frame: () => Pick<Request, 'session' | 'trace'>;
  readonly openTimeout: number;
  readonly closeTimeout: number;
  readonly memory: BatchMemory;
}

/**
 * An upload whose backend lives elsewhere. Writes that follow one another go there together, as many as fit into one message
 * or come within a few milliseconds. Each message is acknowledged, and a refusal is told by the next operation.
 */
export class ProcessUpload implements Upload {
  readonly copyChunk?: NonNullable<Upload['copyChunk']>;
  readonly #options: ProcessUploadOptions;
  #size: number;
  #batch: WriteBatch | undefined;
  /** Sent and not acknowledged. */
  #bytesInFlight = 0;
  #gathering: NodeJS.Timeout | undefined;
  #failure: unknown;
  #hasEnded = false;
  /** Whoever waits until less is in flight. */
  readonly #waiting = new Set<() => void>();

  constructor(options: ProcessUploadOptions) {
    this.#options = options;
    this.#size = options.size;
    if (options.copies) this.copyChunk = (path, range, to) => this.#copy(path, range, to);
  }

  get size(): number {
    return this.#size;
  }

  readonly takesAtOnce = true;

  writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    this.#assertOpen('writeChunk');
    if (this.#failure !== undefined) throw this.#failure;
    if (bytes.length === 0) return undefined;
    const start = this.#options.append ? this.#size : offset;
    assertPosition(start, bytes.length);
    let isScarce = false;
    for (let taken = 0; taken < bytes.length; ) {
      const { batch, isAllowed } = this.#batchFor(start + taken, bytes.length - taken);
      isScarce ||= !isAllowed;
      taken += batch.take(bytes.subarray(taken));
      if (batch.isFull) this.#flush();
    }
    this.#size = Math.max(this.#size, start + bytes.length);
    if (this.#batch !== undefined) this.#gathering ??= setTimeout(() => this.#flush(), GATHERING_MS);
    // Without an allowance one write at a time is under way, and none is collected.
    if (isScarce) return this.#inFlightAtMost(0);
    return this.#bytesInFlight >= WINDOW_BYTES ? this.#inFlightAtMost(WINDOW_BYTES / 2) : undefined;
  }

  async setSize(size: number): Promise<void> {
    assertPosition(size, 0);
    await this.#ask('set_size', 'setSize', { size });
    this.#size = size;
  }

  async readChunk(offset: number, length: number): Promise<Uint8Array> {
    this.#assertOpen('readChunk');
    const there = Math.min(length, this.#size - offset);
    if (there <= 0) return new Uint8Array(0);
    const { bytes } = await this.#ask('read_chunk', 'readChunk', { offset, length: there });
    if (bytes.length > there) throw new FsError('EIO', 'more bytes than were asked for');
    return bytes;
  }

  setAttributes(attributes: FileAttributes): void {
    this.#assertOpen('setAttributes');
    if (!this.#options.peer.offers.has('set_attributes')) return;
    this.#ask('set_attributes', 'setAttributes', { attributes }).catch((error) => this.#fail(error));
  }

  async sync(): Promise<void> {
    this.#assertOpen('sync');
    await this.#acknowledged();
    if (this.#options.peer.offers.has('sync')) await this.#ask('sync', 'sync', {});
  }

  async finishWrite(): Promise<StoredFile> {
    this.#assertOpen('finishWrite');
    this.#hasEnded = true;
    try {
      await this.#acknowledged();
    } catch (error) {
      await this.#request('abort_write', {}).catch(() => undefined);
      throw error;
    }
    const { ok } = await this.#request('finish_write', {});
    return ok ?? { size: this.#size };
  }

  async abortWrite(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#fail(new FsError('EBADF', 'the upload was aborted', this.#at('writeChunk')));
    this.#flush();
    // A process that is gone has nothing left to abort.
    if (!this.#options.peer.isClosed) await this.#request('abort_write', {});
  }

  async #copy(path: string, { offset, length, etag }: FileRange, to: number): Promise<void> {
    const range = { offset, length, ...(etag === undefined ? {} : { etag }) };
    await this.#ask('copy_chunk', 'copyChunk', { path, ...range, to });
    if (length > 0) this.#size = Math.max(this.#size, to + length);
  }

  /** Where the byte at `offset` goes next. */
  #batchFor(offset: number, length: number): { readonly batch: WriteBatch; readonly isAllowed: boolean } {
    if (this.#batch !== undefined && this.#batch.end !== offset) this.#flush();
    if (this.#batch !== undefined) return { batch: this.#batch, isAllowed: true };
    const reserved = this.#options.memory.reserve(offset);
    this.#batch = reserved ?? WriteBatch.exactly(offset, length);
    return { batch: this.#batch, isAllowed: reserved !== undefined };
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#failure !== undefined) {
      batch.release();
      return;
    }
    const { length, offset } = batch;
    this.#bytesInFlight += length;
    this.#request('write_chunk', { offset, bytes: batch.bytes() })
      .then(
        ({ bytes }) => this.#options.memory.keep(bytes),
        (error) => this.#fail(error),
      )
      .finally(() => {
        batch.release();
        this.#bytesInFlight -= length;
        this.#wake();
      });
  }

  /** Resolves when every write so far has arrived. @throws whatever became of one that has not. */
  async #acknowledged(): Promise<void> {
    this.#flush();
    await this.#inFlightAtMost(0);
  }

  async #inFlightAtMost(bytes: number): Promise<void> {
    while (this.#failure === undefined && this.#bytesInFlight > bytes) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  /** A request that sees every write before it. */
  async #ask<Op extends UploadOperation>(
    op: Op,
    operation: string,
    fields: Omit<FieldsOf<Op>, 'upload' | 'session' | 'trace'>,
  ): Promise<Answer<Op>> {
    this.#assertOpen(operation);
    if (this.#failure !== undefined) throw this.#failure;
    this.#flush();
    return await this.#request(op, fields);
  }

  #request<Op extends UploadOperation>(
    op: Op,
    fields: Omit<FieldsOf<Op>, 'upload' | 'session' | 'trace'>,
  ): Promise<Answer<Op>> {
    const { peer, id, frame, openTimeout, closeTimeout } = this.#options;
    const request = { upload: id, ...frame(), ...fields } as unknown as FieldsOf<Op>;
    return peer.request(op, request, { timeout: op === 'read_chunk' ? openTimeout : closeTimeout });
  }

  #assertOpen(operation: string): void {
    if (this.#hasEnded) throw new FsError('EBADF', 'the upload has ended', this.#at(operation));
  }

  #at(operation: string): { readonly operation: string; readonly path: string } {
    return { operation, path: this.#options.path };
  }
}

function assertPosition(offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new FsError('EINVAL', `${offset} is no position in a file`);
  }
  if (!Number.isSafeInteger(offset + length)) throw new FsError('EFBIG', 'no file is that large');
}
