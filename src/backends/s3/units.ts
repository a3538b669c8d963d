import type { MemoryBudget } from '../../buffers/budget.ts';
import type { BufferPool } from '../../buffers/buffer-pool.ts';
import type { ByteRange } from '../../buffers/range-set.ts';
import type { Spool } from '../../buffers/spool.ts';
import { FsError } from '../../contract/errors.ts';
import { Collector, type OpenUnit } from './collector.ts';
import type { WriteCondition } from './conditions.ts';
import { Contents, type ObjectSource } from './contents.ts';
import { Destination } from './destination.ts';
import { InFlight } from './in-flight.ts';
import type { Lifetime } from './lifetime.ts';
import { PartBuffer } from './part-buffer.ts';
import type { PartPlan } from './part-plan.ts';
import { Sender } from './sender.ts';
import type { ObjectHeaders, ObjectStore } from './store.ts';

/** Separate ranges of bytes in one unit: far more than the requests a client has under way, and quick to search. */
const MAX_PIECES = 1024;

/** Where the bytes of one upload may lie, and where they go. */
export interface UploadPlaces {
  readonly store: ObjectStore;
  readonly budget: MemoryBudget;
  readonly pool: BufferPool;
  readonly spool: Spool | undefined;
  readonly plan: PartPlan;
  /** Of the upload. */
  readonly id: string;
  readonly key: string;
  /** Whether what is written will be read back: then it goes where it can be. */
  readonly read: boolean;
}

export interface UnitsOptions extends UploadPlaces {
  /** The object whose bytes stay where nothing is written. */
  readonly base: { readonly size: number; readonly etag: string } | undefined;
  readonly condition: WriteCondition;
  readonly headers: () => ObjectHeaders;
  readonly life: Lifetime;
  /** Makes the first failure that of the upload, and returns it. */
  readonly fail: (error: unknown) => FsError;
}

/**
 * The bytes of one upload, unit by unit: in a buffer, on their way to S3, or there. This is the one place that
 * moves a unit from one to the other.
 */
export class Units {
  readonly inFlight = new InFlight();
  readonly contents = new Contents();
  readonly destination: Destination;
  readonly sender: Sender;
  readonly collector: Collector;
  /** Bytes that the file has at the moment. */
  size: number;
  readonly #options: UnitsOptions;

  constructor(options: UnitsOptions) {
    const { key, base, life, fail } = options;
    const { signal } = life;
    this.#options = options;
    this.size = base?.size ?? 0;
    if (base !== undefined)
      this.contents.put({ start: 0, end: base.size }, { key, etag: base.etag, offset: 0 });
    const { contents, inFlight } = this;
    const destination = new Destination({ ...options, signal });
    this.destination = destination;
    this.sender = new Sender(
      {
        ...options,
        contents,
        destination,
        inFlight,
        size: () => this.size,
        fail: (error) => void fail(error),
      },
      { goesBack: options.read },
    );
    this.collector = new Collector({
      ...options,
      inFlight,
      signal,
      putAside: (part) => this.#putAside(part),
    });
  }

  /** Writes what there is room for and returns how much; 0 when it is to be asked again. */
  write(at: number, bytes: Uint8Array): number | Promise<number> {
    const part = this.collector.at(at);
    if (part === undefined) return this.#open(at)?.then(() => 0) ?? 0;
    if (part instanceof PartBuffer) {
      const taken = part.write(at, bytes);
      if (taken === 0) return this.collector.enlarge(part)?.then(() => 0) ?? 0;
      this.#afterWrite(part, at + taken);
      return taken;
    }
    return part.write(at, Buffer.from(bytes)).then(
      (taken) => {
        this.#afterWrite(part, at + taken);
        return taken;
      },
      (error) => Promise.reject(this.#options.fail(error)),
    );
  }

  /** Drops every byte from `size` on; what was sent of them is as if it had not been. */
  async cut(size: number): Promise<void> {
    const { plan } = this.#options;
    await this.inFlight.settled();
    this.#options.life.assertUsable();
    for (const index of [...this.destination.straightUnits]) {
      const unit = plan.unit(index);
      if (unit.start >= size) this.sender.forget(index);
      else if (unit.end > size) await this.makeReadable(index);
    }
    this.contents.remove({ start: size, end: plan.maxBytes });
    for (const part of this.collector.all()) {
      if (part.unit.start >= size) await this.collector.drop(part);
      else part.truncate(size);
    }
  }

  /** A unit that went straight is opened again, unless it can be read where it is. */
  async makeReadable(index: number): Promise<void> {
    await this.inFlight.settled();
    this.#options.life.assertUsable();
    if (!this.destination.hasStraight(index)) return;
    const unit = this.#options.plan.unit(index);
    try {
      this.collector.reopen(unit, this.sender.takeBack(unit));
    } catch (error) {
      throw this.#options.fail(error);
    }
  }

  /** From now on the whole unit is these bytes of an object. */
  async point(index: number, source: ObjectSource, range: ByteRange): Promise<void> {
    const open = this.collector.get(index);
    if (open !== undefined) await this.collector.drop(open);
    this.sender.forget(index);
    this.contents.put(range, source);
    this.size = Math.max(this.size, range.end);
  }

  /** Gives every buffer back. */
  async discard(): Promise<void> {
    await this.collector.discard();
    this.sender.forgetAll();
  }

  /** Opens the unit at an offset. A promise, after which it is to be looked for again, when that takes its time. */
  #open(at: number): Promise<void> | undefined {
    const unit = this.#options.plan.unitAt(at);
    const first = this.collector.get(0);
    if (first?.isFull && !first.isReopened) this.#send(first);
    const sending = this.inFlight.unit(unit.index);
    if (sending !== undefined) return sending;
    if (this.destination.hasStraight(unit.index)) return this.makeReadable(unit.index);
    return this.collector.open(unit);
  }

  #afterWrite(part: OpenUnit, end: number): void {
    this.size = Math.max(this.size, end);
    if (part.wasRewritten) this.sender.goesBack = true;
    if (part.written.ranges.length > MAX_PIECES) {
      throw this.#options.fail(new FsError('ENOTSUP', 'a part in too many pieces'));
    }
    const isAlone = part.unit.index === 0 && this.collector.size === 1;
    if (part.isFull && !part.isReopened && !isAlone) this.#send(part);
  }

  #send(open: OpenUnit): void {
    this.collector.remove(open);
    this.sender.send(open.unit, () => this.collector.load(open));
  }

  async #putAside(part: PartBuffer): Promise<void> {
    this.sender.goesBack = true;
    this.collector.remove(part);
    try {
      await this.sender.putAside(part);
    } catch (error) {
      throw this.#options.fail(error);
    } finally {
      part.dispose();
    }
  }
}
