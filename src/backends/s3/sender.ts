import type { BufferPool, Kept } from '../../buffers/buffer-pool.ts';
import { FsError } from '../../contract/errors.ts';
import type { Contents } from './contents.ts';
import type { Destination } from './destination.ts';
import { fillHoles } from './fill.ts';
import type { InFlight } from './in-flight.ts';
import type { PartBuffer } from './part-buffer.ts';
import type { PartPlan, Unit } from './part-plan.ts';
import type { ObjectStore } from './store.ts';

export interface SenderOptions {
  readonly store: ObjectStore;
  readonly plan: PartPlan;
  readonly pool: BufferPool;
  readonly contents: Contents;
  readonly destination: Destination;
  readonly inFlight: InFlight;
  /** Bytes that the file has at the moment. */
  readonly size: () => number;
  /** Told what a task met that nobody waits for. */
  readonly fail: (error: unknown) => void;
}

/**
 * Sends the units of one upload, and remembers what is needed to go back to them. Straight, as long as the client
 * does not go back; the bytes are kept then for as long as nobody needs the memory. Aside, once it does.
 */
export class Sender {
  /** Whether the client has been seen to go back, or has said that it will: units are put aside from then on. */
  goesBack: boolean;
  readonly #options: SenderOptions;
  readonly #kept = new Map<number, Kept>();

  constructor(options: SenderOptions, { goesBack }: { readonly goesBack: boolean }) {
    this.#options = options;
    this.goesBack = goesBack;
  }

  /** Sends a unit beside the client's writes; at the end straight into place. `take` hands it over, in memory. */
  send(unit: Unit, take: () => Promise<PartBuffer>, { isEnd = false } = {}): void {
    const straight = isEnd || !this.goesBack;
    const task = async () => {
      const part = await take();
      try {
        if (straight) await this.#sendStraight(part, isEnd);
        else await this.putAside(part);
      } finally {
        part.dispose();
      }
    };
    this.run(task, { unit: unit.index, bytes: unit.end - unit.start });
  }

  /** Puts what the buffer holds of its unit where it can be read again. The buffer stays the caller's. */
  async putAside(part: PartBuffer): Promise<void> {
    const { store, contents, destination, size } = this.#options;
    const { start } = part.unit;
    const end = Math.min(start + part.length, size());
    if (end <= start) return;
    await fillHoles(store, part, contents, end);
    const { body, crc } = part.seal(end);
    contents.put({ start, end }, await destination.putAside(part.unit, body, crc));
  }

  /** The bytes of a unit that went straight, reserved; from now on it counts as not sent. @throws FsError `ENOTSUP`. */
  takeBack(unit: Unit): Buffer {
    this.goesBack = true;
    const buffer = this.#kept.get(unit.index)?.take();
    if (buffer === undefined) {
      throw new FsError('ENOTSUP', 'going back to bytes that S3 has taken and does not give back');
    }
    this.forget(unit.index);
    return buffer;
  }

  /** The unit's bytes are no longer those that were sent. */
  forget(unit: number): void {
    const buffer = this.#kept.get(unit)?.take();
    if (buffer !== undefined) this.#options.pool.give(buffer);
    this.#kept.delete(unit);
    this.#options.destination.forget(unit);
  }

  forgetAll(): void {
    for (const unit of [...this.#kept.keys()]) this.forget(unit);
  }

  /** Starts something that goes on beside the client's writes; a failure of it is the upload's. */
  run(task: () => Promise<void>, holding: { readonly unit?: number; readonly bytes?: number } = {}): void {
    const { inFlight, fail } = this.#options;
    inFlight.add(task().catch(fail), holding);
  }

  async #sendStraight(part: PartBuffer, isEnd: boolean): Promise<void> {
    const { store, contents, destination, size } = this.#options;
    const { unit } = part;
    await fillHoles(store, part, contents, size());
    const { body, crc } = part.seal(size());
    await destination.sendStraight(unit, body, crc);
    if (isEnd) return;
    const kept = part.keep({ last: unit.index === 0, onLost: () => this.#kept.delete(unit.index) });
    this.#kept.set(unit.index, kept);
    this.#closeIfWhole(unit.part);
  }

  /** A part of several units is put together as soon as all are there: it can be read then, and the end has less to do. */
  #closeIfWhole(index: number): void {
    const { plan, contents, destination } = this.#options;
    const part = plan.part(index);
    if (part.units === 1 || !destination.hasWhole(part)) return;
    this.run(async () => {
      const source = await destination.closePart(part, part.units, part);
      contents.put(part, source);
      await destination.copyPart(part, source, part.end - part.start);
    });
  }
}
