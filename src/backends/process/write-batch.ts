import type { MemoryAllowance } from '../../contract/memory.ts';

/** Bytes of one message at most: what a message costs is little beside what they cost. */
export const BATCH_BYTES = 1024 * 1024;

/** Free memory that is kept for the next batches. */
const KEPT_BATCHES = 4;

/**
 * The memory of batches. Fresh memory costs more than filling it, and V8 collects the sooner for each at the other end: what comes
 * back from there with its acknowledgement is used again.
 */
export class BatchMemory {
  readonly #allowance: MemoryAllowance | undefined;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  constructor(allowance: MemoryAllowance | undefined) {
    this.#allowance = allowance;
  }

  /** Room for many writes; undefined when the allowance has none left. */
  reserve(offset: number): WriteBatch | undefined {
    if (this.#allowance?.tryReserve(BATCH_BYTES) === false) return undefined;
    // Memory of its own, for it will be transferred: not of the pool of small Buffers.
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
    return new WriteBatch(offset, memory, () => this.#allowance?.release(BATCH_BYTES));
  }

  /** Takes what the other side has given back. */
  keep({ buffer }: Uint8Array): void {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== BATCH_BYTES) return;
    if (this.#free.length < KEPT_BATCHES) this.#free.push(new Uint8Array(buffer));
  }
}

/** Writes that follow one another, in memory of their own, which goes to the other side with them. */
export class WriteBatch {
  readonly offset: number;
  readonly #memory: Uint8Array<ArrayBuffer>;
  readonly #release: () => void;
  #length = 0;

  constructor(offset: number, memory: Uint8Array<ArrayBuffer>, release: () => void) {
    this.offset = offset;
    this.#memory = memory;
    this.#release = release;
  }

  /** Room for one write and no more, which nobody was asked for. */
  static exactly(offset: number, length: number): WriteBatch {
    return new WriteBatch(offset, new Uint8Array(length), () => undefined);
  }

  get length(): number {
    return this.#length;
  }

  get end(): number {
    return this.offset + this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.#memory.length;
  }

  /** Copies as many bytes as there is room for, and says how many. */
  take(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.#memory.length - this.#length);
    this.#memory.set(taken, this.#length);
    this.#length += taken.length;
    return taken.length;
  }

  /** What was taken. A small part of much memory is copied out of it, so that it does not keep it at the other end. */
  bytes(): Uint8Array<ArrayBuffer> {
    const taken = this.#memory.subarray(0, this.#length);
    return this.#length * 2 < this.#memory.length ? new Uint8Array(taken) : taken;
  }

  /** Gives the memory back to the allowance. To be called once. */
  release(): void {
    this.#release();
  }
}
