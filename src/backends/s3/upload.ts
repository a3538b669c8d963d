import { setMaxListeners } from 'node:events';
import type { MemoryBudget } from '../../buffers/budget.ts';
import type { BufferPool } from '../../buffers/buffer-pool.ts';
import type { Spool } from '../../buffers/spool.ts';
import type { FileRange, Upload } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';
import type { FileAttributes, StoredFile } from '../../contract/types.ts';
import { assemble } from './assembly.ts';
import { toMetadata } from './attributes.ts';
import { Collector, type OpenUnit } from './collector.ts';
import { Contents, type ObjectSource } from './contents.ts';
import { Destination } from './destination.ts';
import { toFsError } from './errors.ts';
import { InFlight } from './in-flight.ts';
import { PartBuffer } from './part-buffer.ts';
import type { PartPlan } from './part-plan.ts';
import { Sender } from './sender.ts';
import type { ObjectHeaders, ObjectStore } from './store.ts';

/** Separate ranges of bytes in one unit: far more than the requests a client has under way, and quick to search. */
const MAX_PIECES = 1024;

export interface S3UploadOptions {
  readonly store: ObjectStore;
  readonly budget: MemoryBudget;
  readonly pool: BufferPool;
  readonly spool: Spool | undefined;
  readonly plan: PartPlan;
  readonly id: string;
  readonly path: string;
  readonly key: string;
  /** The object whose bytes stay where nothing is written: that of an open without O_TRUNC. */
  readonly base:
    | { readonly size: number; readonly etag: string; readonly headers: ObjectHeaders }
    | undefined;
  readonly exclusive: boolean;
  readonly append: boolean;
  /** Whether what is written will be read back: then it goes where it can be. */
  readonly read: boolean;
  readonly attributes: FileAttributes;
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
  readonly #gone = new AbortController();
  readonly #inFlight = new InFlight();
  readonly #contents = new Contents();
  readonly #destination: Destination;
  readonly #sender: Sender;
  readonly #collector: Collector;
  #attributes: FileAttributes;
  #size: number;
  #failure: FsError | undefined;
  #ended = false;

  constructor(options: S3UploadOptions) {
    // Each request under way listens to it, and each retry of one.
    setMaxListeners(0, this.#gone.signal);
    const { store, plan, pool, key, base } = options;
    this.#options = options;
    this.#attributes = options.attributes;
    this.#size = base?.size ?? 0;
    if (base !== undefined) {
      this.#contents.put({ start: 0, end: base.size }, { key, etag: base.etag, offset: 0 });
    }
    const [contents, inFlight, signal] = [this.#contents, this.#inFlight, this.#gone.signal];
    const fail = (error: unknown) => void this.#fail(error);
    const destination = new Destination({ ...options, headers: () => this.#headers(), signal });
    const size = () => this.#size;
    this.#destination = destination;
    this.#sender = new Sender(
      { store, plan, pool, contents, destination, inFlight, size, fail },
      { goesBack: options.read },
    );
    this.#collector = new Collector({
      ...options,
      inFlight,
      signal,
      putAside: (part) => this.#putAside(part),
    });
  }

  get size(): number {
    return this.#size;
  }

  unitAt(offset: number): number {
    const { plan } = this.#options;
    return plan.unitAt(Math.min(offset, plan.maxBytes - 1)).part + 1;
  }

  writeChunk(offset: number, bytes: Uint8Array): Promise<void> | undefined {
    this.#assertUsable();
    const { moving } = this.#collector;
    if (moving !== undefined) return moving.then(() => this.writeChunk(offset, bytes));
    let at = this.#options.append ? this.#size : offset;
    let rest = bytes;
    while (rest.length > 0) {
      const taken = this.#write(at, rest);
      if (typeof taken !== 'number') {
        const [from, left] = [at, rest];
        return taken.then((done) => this.writeChunk(from + done, left.subarray(done)));
      }
      at += taken;
      rest = rest.subarray(taken);
    }
    return undefined;
  }

  async setSize(size: number): Promise<void> {
    await this.#quiet();
    if (size < this.#size) await this.#cut(size);
    else if (size > 0) this.#options.plan.unitAt(size - 1);
    this.#size = size;
  }

  async readChunk(offset: number, length: number): Promise<Uint8Array> {
    await this.#quiet();
    const end = Math.min(offset + length, this.#size);
    if (offset >= end) return new Uint8Array(0);
    const { store, plan } = this.#options;
    const last = plan.unitAt(end - 1).index;
    for (let { index } = plan.unitAt(offset); index <= last; index++) await this.#makeReadable(index);
    const bytes = Buffer.alloc(end - offset);
    for (const { start, end: to, source } of this.#contents.pieces({ start: offset, end })) {
      if (source === undefined) continue;
      bytes.set(await store.get(source.key, { ...source, length: to - start }), start - offset);
    }
    await this.#quiet();
    for (const part of this.#collector.all()) await part.copyTo(bytes, offset);
    return bytes;
  }

  setAttributes(attributes: FileAttributes): void {
    this.#attributes = { ...this.#attributes, ...attributes };
  }

  /** Whole units become copies within S3; what is left at both ends is fetched and written. */
  async copyChunk(path: string, { offset, length, etag }: FileRange, to: number): Promise<void> {
    await this.#quiet();
    await this.#inFlight.settled();
    const { store, plan, keyOf } = this.#options;
    const key = keyOf(path);
    const known = etag ?? (await store.head(key))?.etag ?? '';
    const source = (at: number): ObjectSource => ({ key, etag: known, offset: offset + at - to });
    this.#sender.goesBack = true;
    for (let at = to; at < to + length; ) {
      const unit = plan.unitAt(at);
      const end = Math.min(to + length, unit.end);
      if (at === unit.start && (end === unit.end || end >= this.#size))
        await this.#point(unit.index, source(at), end);
      else await this.#fetch(source(at), at, end);
      at = end;
    }
  }

  async sync(): Promise<void> {
    await this.#inFlight.settled();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async finishWrite(): Promise<StoredFile> {
    if (this.#ended) throw new FsError('EBADF', 'the upload has ended');
    try {
      this.#assertUsable();
      await this.#collector.settle();
      this.#assertUsable();
      const stored = await assemble({
        ...this.#options,
        size: this.#size,
        contents: this.#contents,
        collector: this.#collector,
        destination: this.#destination,
        sender: this.#sender,
        inFlight: this.#inFlight,
        assertUsable: () => this.#assertUsable(),
      });
      this.#ended = true;
      await this.#letGo();
      // The file is stored. What could not be removed is swept later.
      await this.#destination.cleanUp().catch(() => undefined);
      return stored;
    } catch (error) {
      throw await this.#cleanUp(this.#fail(error));
    }
  }

  async abortWrite(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#gone.abort(new FsError('EIO', 'the upload was aborted'));
    await this.#inFlight.settled();
    await this.#letGo();
    await this.#destination.cleanUp();
  }

  /** Writes what there is room for and returns how much; 0 when it is to be asked again. */
  #write(at: number, bytes: Uint8Array): number | Promise<number> {
    const part = this.#collector.at(at);
    if (part === undefined) return this.#open(at)?.then(() => 0) ?? 0;
    if (part instanceof PartBuffer) {
      const taken = part.write(at, bytes);
      if (taken === 0) return this.#collector.enlarge(part)?.then(() => 0) ?? 0;
      this.#afterWrite(part, at + taken);
      return taken;
    }
    return part.write(at, bytes).then(
      (taken) => {
        this.#afterWrite(part, at + taken);
        return taken;
      },
      (error) => Promise.reject(this.#fail(error)),
    );
  }

  /** Opens the unit at an offset. A promise, after which it is to be looked for again, when that takes its time. */
  #open(at: number): Promise<void> | undefined {
    const unit = this.#options.plan.unitAt(at);
    const first = this.#collector.get(0);
    if (first?.isFull && !first.isReopened) this.#send(first);
    const sending = this.#inFlight.unit(unit.index);
    if (sending !== undefined) return sending;
    if (this.#destination.hasStraight(unit.index)) return this.#makeReadable(unit.index);
    return this.#collector.open(unit);
  }

  #afterWrite(part: OpenUnit, end: number): void {
    this.#size = Math.max(this.#size, end);
    if (part.wasRewritten) this.#sender.goesBack = true;
    if (part.written.ranges.length > MAX_PIECES) {
      throw this.#fail(new FsError('ENOTSUP', 'a part in too many pieces'));
    }
    const isAlone = part.unit.index === 0 && this.#collector.size === 1;
    if (part.isFull && !part.isReopened && !isAlone) this.#send(part);
  }

  #send(open: OpenUnit): void {
    this.#collector.remove(open);
    this.#sender.send(open.unit, () => this.#collector.load(open));
  }

  async #putAside(part: PartBuffer): Promise<void> {
    this.#sender.goesBack = true;
    this.#collector.remove(part);
    try {
      await this.#sender.putAside(part);
    } catch (error) {
      throw this.#fail(error);
    } finally {
      part.dispose();
    }
  }

  /** A unit that went straight is opened again, unless it can be read where it is. */
  async #makeReadable(index: number): Promise<void> {
    await this.#inFlight.settled();
    this.#assertUsable();
    if (!this.#destination.hasStraight(index)) return;
    const unit = this.#options.plan.unit(index);
    try {
      this.#collector.reopen(unit, this.#sender.takeBack(unit));
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #cut(size: number): Promise<void> {
    const { plan } = this.#options;
    await this.#inFlight.settled();
    this.#assertUsable();
    for (const index of [...this.#destination.straightUnits]) {
      const unit = plan.unit(index);
      if (unit.start >= size) this.#sender.forget(index);
      else if (unit.end > size) await this.#makeReadable(index);
    }
    this.#contents.remove({ start: size, end: plan.maxBytes });
    for (const part of this.#collector.all()) {
      if (part.unit.start >= size) await this.#collector.drop(part);
      else part.truncate(size);
    }
  }

  /** From now on the unit, up to `end`, is bytes of an object. */
  async #point(index: number, source: ObjectSource, end: number): Promise<void> {
    const open = this.#collector.get(index);
    if (open !== undefined) await this.#collector.drop(open);
    this.#sender.forget(index);
    this.#contents.put({ start: this.#options.plan.unit(index).start, end }, source);
    this.#size = Math.max(this.#size, end);
  }

  async #fetch(source: ObjectSource, from: number, end: number): Promise<void> {
    let at = from;
    for await (const bytes of this.#options.store.stream(source, end - from)) {
      await this.writeChunk(at, bytes);
      at += bytes.length;
    }
  }

  /** Everything of the object that is replaced stays, but for the attributes that this client has set. */
  #headers(): ObjectHeaders {
    const { headers } = this.#options.base ?? {};
    const { mtime: _, ...kept } = headers?.Metadata ?? {};
    return { ...headers, Metadata: { ...kept, ...toMetadata(this.#attributes) } };
  }

  async #letGo(): Promise<void> {
    await this.#collector.discard();
    this.#sender.forgetAll();
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

  async #quiet(): Promise<void> {
    await this.#collector.moving;
    this.#assertUsable();
  }

  #assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new FsError('EBADF', 'the upload has ended');
  }
}
