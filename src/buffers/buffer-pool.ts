import type { MemoryBudget, Parked } from './budget.ts';

/** Bytes of a buffer that was given back, for as long as they are still in it. */
export interface Kept {
  /** The buffer with its bytes, reserved again; undefined when it has gone to somebody else. */
  take(): Buffer | undefined;
}

interface Entry {
  readonly bytes: number;
  /** Undefined once it is gone. */
  buffer: Buffer | undefined;
  readonly onLost: ((buffer: Buffer) => void) | undefined;
  readonly mayBeReused: boolean;
  parked: Parked | undefined;
}

export interface KeepOptions {
  /** Told when the bytes are lost. With `last`, they still are in the buffer, which is then its to drop. */
  readonly onLost: (buffer: Buffer) => void;
  /** Whether this one is given up only when memory is short, not for the next buffer of its size. */
  readonly last: boolean;
}

/**
 * Part buffers that are used again instead of being collected: allocating 8 MiB afresh for every part costs page
 * faults and leaves the collector behind. What is not in use is parked in the budget and goes when memory is needed.
 * With the buffer its reservation changes hands: who takes one has reserved its bytes, who gives it releases nothing.
 */
export class BufferPool {
  readonly #budget: MemoryBudget;
  readonly #entries = new Set<Entry>();
  /** Not reserved any more, and gone by the end of this turn. */
  readonly #going: Buffer[] = [];

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** A buffer of exactly `bytes`, which the caller has reserved, with arbitrary content. */
  take(bytes: number): Buffer {
    const entry = this.#find(bytes);
    const buffer = entry && this.#remove(entry);
    if (entry === undefined || buffer === undefined)
      return this.#takeGoing(bytes) ?? Buffer.allocUnsafeSlow(bytes);
    // The reservation of the parked one is one too many.
    this.#budget.release(bytes);
    entry.onLost?.(buffer);
    return buffer;
  }

  /** Takes a buffer back. Nothing may use it any more, a request in flight included. */
  give(buffer: Buffer): void {
    this.#add({ buffer, bytes: buffer.length, onLost: undefined, mayBeReused: true, parked: undefined });
  }

  /** As {@link give}, for bytes that may be wanted again and are no loss if they are not there. */
  keep(buffer: Buffer, { onLost, last }: KeepOptions): Kept {
    const entry: Entry = { buffer, bytes: buffer.length, onLost, mayBeReused: !last, parked: undefined };
    this.#add(entry);
    return { take: () => this.#remove(entry) };
  }

  #find(bytes: number): Entry | undefined {
    const isCrowded = this.#budget.parkedBytes + bytes > this.#budget.maxParkedBytes;
    let kept: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.bytes !== bytes || !entry.mayBeReused) continue;
      if (entry.onLost === undefined) return entry;
      kept ??= entry;
    }
    return isCrowded ? kept : undefined;
  }

  #add(entry: Entry): void {
    this.#entries.add(entry);
    entry.parked = this.#budget.park(entry.bytes, () => {
      const buffer = this.#detach(entry);
      if (buffer === undefined) return;
      entry.onLost?.(buffer);
      this.#letGo(buffer);
    });
  }

  /** The buffer, reserved again; undefined when it is gone. */
  #remove(entry: Entry): Buffer | undefined {
    const buffer = this.#detach(entry);
    return entry.parked?.take() === true ? buffer : undefined;
  }

  /**
   * What is given up has been granted to somebody who is about to take a buffer, mostly of the same size. Left to the
   * collector, one upload's memory would be there twice for a while.
   */
  #letGo(buffer: Buffer): void {
    if (this.#going.length === 0) setImmediate(() => this.#going.splice(0));
    this.#going.push(buffer);
  }

  #takeGoing(bytes: number): Buffer | undefined {
    const index = this.#going.findIndex(({ length }) => length === bytes);
    return index < 0 ? undefined : this.#going.splice(index, 1)[0];
  }

  /** Whoever still holds the entry does not hold its memory. */
  #detach(entry: Entry): Buffer | undefined {
    const { buffer } = entry;
    entry.buffer = undefined;
    this.#entries.delete(entry);
    return buffer;
  }
}
