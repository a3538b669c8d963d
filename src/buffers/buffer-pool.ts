import type { MemoryBudget, Parked } from './budget.ts';

/** Bytes of a buffer that was given back, for as long as they are still in it. */
export interface Kept {
  /** The buffer with its bytes, reserved again; undefined when it has gone to somebody else. */
  take(): Buffer | undefined;
}

interface Entry {
  readonly buffer: Buffer;
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

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** A buffer of exactly `bytes`, which the caller has reserved, with arbitrary content. */
  take(bytes: number): Buffer {
    const entry = this.#find(bytes);
    // The reservation of the parked one is one too many.
    if (entry === undefined || !this.#remove(entry)) return Buffer.allocUnsafeSlow(bytes);
    this.#budget.release(bytes);
    entry.onLost?.(entry.buffer);
    return entry.buffer;
  }

  /** Takes a buffer back. Nothing may use it any more, a request in flight included. */
  give(buffer: Buffer): void {
    this.#add({ buffer, onLost: undefined, mayBeReused: true, parked: undefined });
  }

  /** As {@link give}, for bytes that may be wanted again and are no loss if they are not there. */
  keep(buffer: Buffer, { onLost, last }: KeepOptions): Kept {
    const entry: Entry = { buffer, onLost, mayBeReused: !last, parked: undefined };
    this.#add(entry);
    return { take: () => (this.#remove(entry) ? buffer : undefined) };
  }

  #find(bytes: number): Entry | undefined {
    const isCrowded = this.#budget.parkedBytes + bytes > this.#budget.maxParkedBytes;
    let kept: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.buffer.length !== bytes || !entry.mayBeReused) continue;
      if (entry.onLost === undefined) return entry;
      kept ??= entry;
    }
    return isCrowded ? kept : undefined;
  }

  #add(entry: Entry): void {
    this.#entries.add(entry);
    const parked = this.#budget.park(entry.buffer.length, () => {
      this.#entries.delete(entry);
      entry.onLost?.(entry.buffer);
    });
    entry.parked = parked;
  }

  #remove(entry: Entry): boolean {
    return this.#entries.delete(entry) && entry.parked?.take() === true;
  }
}
