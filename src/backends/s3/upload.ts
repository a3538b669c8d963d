import type { MemoryBudget } from '../../buffers/budget.ts';
import type { BufferPool } from '../../buffers/buffer-pool.ts';
import type { Upload } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';
import type { StoredFile } from '../../contract/types.ts';
import { toFsError } from './errors.ts';
import { MultipartUpload } from './multipart.ts';
import { bytesToOpen, PartBuffer } from './part-buffer.ts';
import { partIndexAt, partNumberAt, partRange } from './part-plan.ts';
import { putObject } from './put-object.ts';
import type { ObjectStore } from './store.ts';

/** Bytes of one upload that may be on their way to S3 at once; a single part always may. */
const MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024;

/** Half-filled parts that one upload may hold: how far out of order its client may write. */
const MAX_OPEN_PARTS = 4;

/** Bytes of holes that are filled with zeros at the end of an upload. */
const MAX_ZEROS = 1024 ** 3;

/** Separate ranges of bytes in one part: far more than the requests a client has under way, and quick to search. */
const MAX_PIECES = 1024;

export interface S3UploadOptions {
  readonly store: ObjectStore;
  readonly budget: MemoryBudget;
  readonly pool: BufferPool;
  readonly path: string;
  readonly key: string;
  /** The object whose bytes stay where nothing is written: that of an open without O_TRUNC. */
  readonly base: { readonly size: number; readonly etag: string } | undefined;
  readonly exclusive: boolean;
  readonly append: boolean;
}

/**
 * One upload to S3. Every byte goes into the buffer of the part that its offset belongs to; a part that is full
 * goes up at once, beside others, while the next one fills. An object that fits into one part is stored by one
 * PutObject, everything else by a multipart upload, which is aborted unless it ends well.
 *
 * Not done yet, and refused with ENOTSUP: a write into a part that has gone up already.
 */
export class S3Upload implements Upload {
  readonly #options: S3UploadOptions;
  readonly #gone = new AbortController();
  readonly #open = new Map<number, PartBuffer>();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #multipart: MultipartUpload;
  #inFlightBytes = 0;
  #size: number;
  #baseSize: number;
  #failure: FsError | undefined;
  #ended = false;

  constructor(options: S3UploadOptions) {
    this.#options = options;
    this.#baseSize = options.base?.size ?? 0;
    this.#size = this.#baseSize;
    const { store, key, exclusive } = options;
    this.#multipart = new MultipartUpload({ store, key, exclusive, signal: this.#gone.signal });
  }

  get size(): number {
    return this.#size;
  }

  unitAt(offset: number): number {
    return partNumberAt(offset);
  }

  writeChunk(offset: number, bytes: Uint8Array): Promise<void> | undefined {
    this.#assertUsable();
    let at = this.#options.append ? this.#size : offset;
    let rest = bytes;
    while (rest.length > 0) {
      const index = partIndexAt(at);
      const part = this.#open.get(index);
      const taken = part?.write(at, rest) ?? 0;
      if (part === undefined || taken === 0) {
        const room = part === undefined ? this.#openPart(index) : this.#enlarge(part);
        if (room === undefined) continue;
        const [from, remaining] = [at, rest];
        return room.then(() => this.writeChunk(from, remaining));
      }
      at += taken;
      rest = rest.subarray(taken);
      this.#size = Math.max(this.#size, at);
      if (part.pieces > MAX_PIECES) throw this.#fail(new FsError('ENOTSUP', 'a part in too many pieces'));
      if (part.isFull && (index > 0 || this.#open.size > 1)) this.#send(part);
    }
    return undefined;
  }

  async setSize(size: number): Promise<void> {
    this.#assertUsable();
    if (size > 0) partIndexAt(size - 1);
    if (size < this.#multipart.sentEnd) {
      throw this.#fail(new FsError('ENOTSUP', 'cutting off what has gone up already'));
    }
    for (const part of this.#open.values()) part.truncate(size);
    this.#baseSize = Math.min(this.#baseSize, size);
    this.#size = size;
  }

  async sync(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async finishWrite(): Promise<StoredFile> {
    if (this.#ended) throw new FsError('EBADF', 'the upload has ended');
    try {
      this.#assertUsable();
      const stored = await this.#store();
      this.#ended = true;
      this.#discardOpen();
      return stored;
    } catch (error) {
      throw await this.#cleanUp(this.#fail(error));
    }
  }

  async abortWrite(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#gone.abort(new FsError('EIO', 'the upload was aborted'));
    await Promise.all(this.#inFlight);
    this.#discardOpen();
    await this.#multipart.abort();
  }

  /** Aborts, and returns the failure to report: with what the abort met, if that failed too. */
  async #cleanUp(failure: FsError): Promise<FsError> {
    try {
      await this.abortWrite();
      return failure;
    } catch (leftover) {
      const { path } = this.#options;
      const cause = new AggregateError([failure, leftover]);
      return new FsError(failure.code, 'the upload failed and could not be aborted', { path, cause });
    }
  }

  async #store(): Promise<StoredFile> {
    const { store, key, exclusive } = this.#options;
    if (!this.#multipart.isStarted && this.#size <= partRange(0).end) {
      const part = await this.#complete(0);
      return await putObject(store, { key, exclusive, signal: this.#gone.signal, ...part.seal(this.#size) });
    }
    const last = partIndexAt(this.#size - 1);
    this.#assertFewZeros(last);
    for (let index = 0; index <= last; index++) {
      if (this.#multipart.hasPart(index)) continue;
      await this.#roomInFlight(index);
      this.#send(await this.#complete(index));
    }
    await this.sync();
    return await this.#multipart.complete(this.#size);
  }

  /** Every zero of a hole is sent to S3: a client could keep the service busy for days by one far write. */
  #assertFewZeros(last: number): void {
    let zeros = 0;
    for (let index = 0; index <= last; index++) {
      if (this.#multipart.hasPart(index)) continue;
      const { start, end } = partRange(index);
      const holes = this.#open.get(index)?.holes(this.#size) ?? [{ start, end: Math.min(end, this.#size) }];
      for (const hole of holes) zeros += Math.max(0, hole.end - Math.max(hole.start, this.#baseSize));
    }
    if (zeros > MAX_ZEROS) throw new FsError('ENOTSUP', 'holes of more than 1 GiB');
  }

  /** The part without holes: earlier content where the object had any, zeros elsewhere. */
  async #complete(index: number): Promise<PartBuffer> {
    if (!this.#open.has(index)) await this.#allocate(index);
    const part = this.#open.get(index) as PartBuffer;
    const { base, store, key } = this.#options;
    if (Math.min(this.#size, part.range.end) > part.range.start + part.reserved) await this.#enlarge(part);
    for (const hole of part.holes(this.#size)) {
      const end = Math.min(hole.end, this.#baseSize);
      if (base !== undefined && hole.start < end) {
        const range = { offset: hole.start, length: end - hole.start, etag: base.etag };
        part.write(hole.start, await store.get(key, range));
      }
      part.zero({ start: Math.max(hole.start, end), end: hole.end });
    }
    return part;
  }

  /** Gets a part ready to be written to. A promise means that it took waiting: then it is to be tried again. */
  #openPart(index: number): Promise<void> | undefined {
    if (this.#multipart.hasPart(index)) {
      throw this.#fail(new FsError('ENOTSUP', 'a second write to a part that has gone up already'));
    }
    for (const part of this.#open.values()) if (part.isFull) this.#send(part);
    if (this.#open.size >= MAX_OPEN_PARTS) {
      throw this.#fail(new FsError('ENOTSUP', 'writes that are too far out of order'));
    }
    return this.#roomInFlight(index) ?? this.#allocate(index);
  }

  #allocate(index: number): Promise<void> | undefined {
    const bytes = bytesToOpen(index);
    return this.#reserve(bytes, this.#open.size > 0, () =>
      this.#open.set(index, new PartBuffer(index, this.#options.pool)),
    );
  }

  #enlarge(part: PartBuffer): Promise<void> | undefined {
    return this.#reserve(part.capacity - part.reserved, this.#open.size > 1, () => part.enlarge());
  }

  /** Reserves bytes, then takes them. Never waits while another part is half full: see MemoryBudget. */
  #reserve(bytes: number, holdsOthers: boolean, take: () => void): Promise<void> | undefined {
    const { budget } = this.#options;
    const granted = () => {
      if (!this.#ended) return take();
      budget.release(bytes);
      throw new FsError('EIO', 'the upload was aborted');
    };
    const reserved = holdsOthers ? budget.overdraw(bytes) : budget.reserve(bytes, this.#gone.signal);
    if (reserved !== undefined) return reserved.then(granted);
    granted();
    return undefined;
  }

  /** A promise while too much of this upload is on its way to send the part after it. */
  #roomInFlight(index: number): Promise<void> | undefined {
    if (this.#inFlight.size === 0) return undefined;
    if (this.#inFlightBytes + bytesToOpen(index) <= MAX_IN_FLIGHT_BYTES) return undefined;
    return Promise.race(this.#inFlight);
  }

  #send(part: PartBuffer): void {
    const { body, crc } = part.seal(this.#size);
    this.#open.delete(part.index);
    this.#inFlightBytes += part.reserved;
    const task: Promise<void> = this.#multipart
      .sendPart(part.index, body, crc)
      .catch((error) => void this.#fail(error))
      .then(() => {
        this.#inFlight.delete(task);
        this.#inFlightBytes -= part.reserved;
        this.#free(part);
      });
    this.#inFlight.add(task);
  }

  #discardOpen(): void {
    for (const part of this.#open.values()) this.#free(part);
    this.#open.clear();
  }

  #free(part: PartBuffer): void {
    part.dispose();
    this.#options.budget.release(part.reserved);
  }

  /** Remembers the first failure, which every later call meets, and cancels what is in flight. */
  #fail(error: unknown): FsError {
    const { path, exclusive } = this.#options;
    const failure = toFsError(error, 'upload', path);
    this.#failure ??=
      exclusive && failure.code === 'ESTALE'
        ? new FsError('EEXIST', 'it came to exist meanwhile', { path, cause: error })
        : failure;
    this.#gone.abort(this.#failure);
    return this.#failure;
  }

  #assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new FsError('EBADF', 'the upload has ended');
  }
}
