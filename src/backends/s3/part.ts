import { RangeSet } from '../../buffers/range-set.ts';
import type { Unit } from './part-plan.ts';

/** What is known of a unit that has been open before. */
export interface PartState {
  readonly written?: RangeSet;
  readonly isReopened?: boolean;
}

/** One unit while it fills, wherever its bytes are. */
export abstract class Part {
  readonly unit: Unit;
  /** Which bytes are there, counted from the start of the unit. */
  readonly written: RangeSet;
  /** Whether these bytes have been in S3 before: such a unit is not sent as soon as it is full. */
  readonly isReopened: boolean;
  /** When it was last written to, as `performance.now()`. */
  lastUse = performance.now();
  /** Whether bytes that were there have been replaced: its writer goes back. */
  wasRewritten = false;

  constructor(unit: Unit, { written = new RangeSet(), isReopened = false }: PartState = {}) {
    this.unit = unit;
    this.written = written;
    this.isReopened = isReopened;
  }

  get isFull(): boolean {
    return this.written.covers(0, this.unit.end - this.unit.start);
  }

  /** Forgets every byte at or past `size` of the object. */
  truncate(size: number): void {
    this.written.truncate(Math.max(0, size - this.unit.start));
  }

  /** Copies what is there of the bytes from `offset` of the object into `target`. */
  async copyTo(target: Buffer, offset: number): Promise<void> {
    const from = offset - this.unit.start;
    for (const { start, end } of this.written.within(from, from + target.length)) {
      const reading = this.read(target.subarray(start - from, end - from), start);
      // What is in memory is copied at once: it may be moved elsewhere whenever somebody waits.
      if (reading !== undefined) await reading;
    }
  }

  /** Fills `target` with bytes that are there, from `at` of the unit. */
  protected abstract read(target: Buffer, at: number): Promise<void> | undefined;
}
