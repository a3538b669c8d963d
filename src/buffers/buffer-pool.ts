/**
 * Part buffers that are used again instead of being collected: allocating 8 MiB afresh for every part costs page
 * faults and leaves the collector behind. Keeps at most `keepBytes` of free buffers.
 */
export class BufferPool {
  readonly #keepBytes: number;
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** A buffer of exactly `bytes`, with arbitrary content. */
  take(bytes: number): Buffer {
    const buffer = this.#free.get(bytes)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(bytes);
    this.#freeBytes -= bytes;
    return buffer;
  }

  /** Gives a buffer back. Nothing may use it any more, a request in flight included. */
  give(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > this.#keepBytes) return;
    const same = this.#free.get(buffer.length);
    if (same === undefined) this.#free.set(buffer.length, [buffer]);
    else same.push(buffer);
    this.#freeBytes += buffer.length;
  }
}
