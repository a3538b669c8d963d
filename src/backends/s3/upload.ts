import type { ByteRange } from '../../buffers/range-set.ts';
import type { FileRange, Upload } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';
import type { FileAttributes, FileNotes, StoredFile } from '../../contract/types.ts';
import { assemble } from './assembly.ts';
import { notesToMetadata, toMetadata, withoutNotes } from './attributes.ts';
import { NEW, replacing } from './conditions.ts';
import type { ObjectSource } from './contents.ts';
import { toFsError } from './errors.ts';
import { Lifetime } from './lifetime.ts';
import type { ObjectHeaders } from './store.ts';
import { Units, type UploadPlaces } from './units.ts';

export interface S3UploadOptions extends UploadPlaces {
  readonly path: string;
  /** The object whose bytes stay where nothing is written: that of an open without O_TRUNC. */
  readonly base:
    | { readonly size: number; readonly etag: string; readonly headers: ObjectHeaders }
    | undefined;
  readonly exclusive: boolean;
  readonly append: boolean;
  readonly attributes: FileAttributes;
  readonly notes: FileNotes;
  /** The key of a path of the same principal. */
  readonly keyOf: (path: string) => string;
}

/**
 * One upload to S3. Every byte goes into the buffer of the unit that its offset belongs to; a unit that is full goes
 * up at once, beside others, while the next one fills. A file that fits into the first unit is stored by one
 * PutObject, everything else by a multipart upload, which is aborted unless it ends well.
 *
 * Nothing can be read back from a multipart upload. So the bytes of units that went straight there are kept as long as
 * nobody needs the memory, and as soon as a client goes back (or says at the start that it will read), further
 * units are put aside, where they can be read and changed, and copied into place at the end (docs/adr/0005-rewrites.md).
 */
export class S3Upload implements Upload {
  readonly #options: S3UploadOptions;
  readonly #life = new Lifetime();
  readonly #units: Units;
  #attributes: FileAttributes;

  constructor(options: S3UploadOptions) {
    const { base, exclusive } = options;
    this.#options = options;
    this.#attributes = options.attributes;
    this.#units = new Units({
      ...options,
      condition: exclusive ? NEW : replacing(base),
      headers: () => this.#headers(),
      life: this.#life,
      fail: (error) => this.#fail(error),
    });
  }

  readonly takesAtOnce = true;

  get size(): number {
    return this.#units.size;
  }

  unitAt(offset: number): number {
    const { plan } = this.#options;
    return plan.unitAt(Math.min(offset, plan.maxBytes - 1)).part + 1;
  }

  /** What there is no room for yet is copied. */
  writeChunk(offset: number, bytes: Uint8Array): Promise<void> | undefined {
    this.#life.assertUsable();
    const { moving } = this.#units.collector;
    if (moving !== undefined) {
      const kept = Buffer.from(bytes);
      return moving.then(() => this.writeChunk(offset, kept));
    }
    let at = this.#options.append ? this.#units.size : offset;
    let rest = bytes;
    while (rest.length > 0) {
      const taken = this.#units.write(at, rest);
      if (typeof taken !== 'number') {
        const [from, left] = [at, Buffer.from(rest)];
        return taken.then((done) => this.writeChunk(from + done, left.subarray(done)));
      }
      at += taken;
      rest = rest.subarray(taken);
    }
    return undefined;
  }

  async setSize(size: number): Promise<void> {
    await this.#settled();
    if (size < this.#units.size) await this.#still(() => this.#units.cut(size));
    else if (size > 0) this.#options.plan.unitAt(size - 1);
    this.#units.size = size;
  }

  async readChunk(offset: number, length: number): Promise<Uint8Array> {
    await this.#settled();
    const range = { start: offset, end: Math.min(offset + length, this.#units.size) };
    if (range.start >= range.end) return new Uint8Array(0);
    try {
      return await this.#still(() => this.#read(range));
    } catch (error) {
      throw toFsError(error, 'readChunk', this.#options.path);
    }
  }

  setAttributes(attributes: FileAttributes): void {
    this.#life.assertUsable();
    this.#attributes = { ...this.#attributes, ...attributes };
  }

  /** Whole units become copies within S3; what is left at both ends is fetched and written. */
  async copyChunk(path: string, range: FileRange, to: number): Promise<void> {
    await this.#quiet();
    try {
      await this.#copy(path, range, this.#options.append ? this.#units.size : to);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async sync(): Promise<void> {
    await this.#units.inFlight.settled();
    if (this.#life.failure !== undefined) throw this.#life.failure;
  }

  async finishWrite(): Promise<StoredFile> {
    if (this.#life.hasEnded) throw new FsError('EBADF', 'the upload has ended');
    try {
      this.#life.assertUsable();
      await this.#settled();
      await this.#units.collector.settle();
      this.#life.assertUsable();
      const stored = await assemble(this.#options, this.#units, this.#life);
      this.#life.end();
      await this.#units.discard();
      // The file is stored. What could not be removed is swept later.
      await this.#units.destination.cleanUp().catch(() => undefined);
      return stored;
    } catch (error) {
      throw await this.#cleanUp(this.#fail(error));
    }
  }

  async abortWrite(): Promise<void> {
    if (this.#life.hasEnded) return;
    this.#life.abort();
    await this.#units.inFlight.settled();
    try {
      await this.#units.discard();
      await this.#units.destination.cleanUp();
    } catch (error) {
      throw toFsError(error, 'abortWrite', this.#options.path);
    }
  }

  async #read(range: ByteRange): Promise<Uint8Array> {
    const { store, plan } = this.#options;
    for (const { unit } of plan.cut(range)) await this.#units.makeReadable(unit.index);
    const bytes = Buffer.alloc(range.end - range.start);
    for (const { start, end, source } of this.#units.contents.pieces(range)) {
      if (source === undefined) continue;
      bytes.set(await store.get(source.key, { ...source, length: end - start }), start - range.start);
    }
    for (const part of this.#units.collector.all()) await part.copyTo(bytes, range.start);
    return bytes;
  }

  async #copy(path: string, { offset, length, etag }: FileRange, to: number): Promise<void> {
    await this.#units.inFlight.settled();
    const { store, plan, keyOf } = this.#options;
    const key = keyOf(path);
    const known = etag ?? (await store.head(key))?.etag;
    if (known === undefined) throw new FsError('ENOENT', 'no such file', { path });
    this.#units.sender.goesBack = true;
    for (const { unit, start, end } of plan.cut({ start: to, end: to + length })) {
      const source = { key, etag: known, offset: offset + start - to };
      const isWhole = start === unit.start && (end === unit.end || end >= this.#units.size);
      if (isWhole) await this.#still(() => this.#units.point(unit.index, source, { start, end }));
      else await this.#fetch(source, { start, end });
      this.#life.assertUsable();
    }
  }

  async #fetch(source: ObjectSource, { start, end }: ByteRange): Promise<void> {
    let at = start;
    for await (const bytes of this.#options.store.stream(source, end - start)) {
      await this.writeChunk(at, bytes);
      at += bytes.length;
    }
  }

  /** Everything of the object that is replaced stays, but for the attributes that this client has set. */
  #headers(): ObjectHeaders {
    const { base, notes } = this.#options;
    const { mtime: _, ...kept } = withoutNotes(base?.headers.Metadata);
    const Metadata = { ...kept, ...notesToMetadata(notes), ...toMetadata(this.#attributes) };
    return { ...base?.headers, Metadata };
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

  #fail(error: unknown): FsError {
    const { path, exclusive } = this.#options;
    const failure = toFsError(error, 'upload', path);
    const isLate = exclusive && failure.code === 'ESTALE';
    return this.#life.fail(
      isLate ? new FsError('EEXIST', 'it came to exist meanwhile', { path, cause: error }) : failure,
    );
  }

  #still<T>(work: () => Promise<T>): Promise<T> {
    return this.#units.collector.still(work);
  }

  async #quiet(): Promise<void> {
    await this.#units.collector.moving;
    this.#life.assertUsable();
  }

  /** What is on its way may wait for memory that units here hold: until it has come through, they can be moved. */
  async #settled(): Promise<void> {
    await this.#units.inFlight.settled();
    await this.#quiet();
  }
}
