import type { SpoolFile } from '../../buffers/spool.ts';
import { Part, type PartState } from './part.ts';
import type { Unit } from './part-plan.ts';

/** One unit while it fills, on disk. It comes back to memory to be sent. */
export class SpooledPart extends Part {
  readonly #file: SpoolFile;

  constructor(unit: Unit, file: SpoolFile, state?: PartState) {
    super(unit, state);
    this.#file = file;
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

  /** Gives the room on disk back. */
  async dispose(): Promise<void> {
    await this.#file.close();
  }

  protected override read(target: Buffer, at: number): Promise<void> {
    return this.#file.read(target, at);
  }
}
