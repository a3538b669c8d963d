import { RangeSet } from '../../buffers/range-set.ts';
import type { SpoolFile } from '../../buffers/spool.ts';
import type { Unit } from './part-plan.ts';

/** One unit while it fills, on disk. It comes back to memory to be sent. */
export class SpooledPart {
  readonly unit: Unit;
  /** Which bytes are there, counted from the start of the unit. */
  readonly written: RangeSet;
  readonly isReopened: boolean;
  lastUse = performance.now();
  wasRewritten = false;
  readonly #file: SpoolFile;

  constructor(unit: Unit, file: SpoolFile, { written = new RangeSet(), isReopened = false } = {}) {
    this.unit = unit;
    this.#file = file;
    this.written = written;
    this.isReopened = isReopened;
  }

  get isFull(): boolean {
    return this.written.covers(0, this.unit.end - this.unit.start);
  }

  /** Writes what of `bytes`, which stand at `offset` of the object, falls into the unit; resolves with how much. */
  async write(offset: number, bytes: Uint8Array): Promise<number> {
    const at = offset - this.unit.start;
    const length = Math.min(bytes.length, this.unit.end - offset);
    this.lastUse = performance.now();
    if (this.written.within(at, at + length).length > 0) this.wasRewritten = true;
    await this.#file.write(bytes.subarray(0, length), at);
    this.written.add(at, at + length);
    return length;
  }

  /** Forgets every byte at or past `size` of the object. */
  truncate(size: number): void {
    this.written.truncate(Math.max(0, size - this.unit.start));
  }

  /** Copies what is there of the bytes from `offset` of the object into `target`. */
  async copyTo(target: Buffer, offset: number): Promise<void> {
    const { start } = this.unit;
    for (const range of this.written.within(offset - start, offset - start + target.length)) {
      const at = start + range.start - offset;
      await this.#file.read(target.subarray(at, at + range.end - range.start), range.start);
    }
  }

  /** Fills a buffer as long as the unit with what is there. */
  async readInto(buffer: Buffer): Promise<void> {
    for (const { start, end } of this.written.ranges) {
      await this.#file.read(buffer.subarray(start, end), start);
    }
  }

  /** Gives the room on disk back. */
  async dispose(): Promise<void> {
    await this.#file.close();
  }
}
