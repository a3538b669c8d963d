/** Least and most that is allocated for pieces that are small, in bytes; larger pieces have what they need. */
const LEAST_BLOCK = 1024;
const MOST_BLOCK = 32 * 1024;

/**
 * Bytes that wait for somebody to take them, in the order in which they came. A client may send them one at a time, and the object around
 * each would take a hundred times its memory: pieces are copied one behind the other, into blocks.
 *
 * A small piece that finds no room has a block made for it as large as all that is parked, from 1 to 32 KiB. All blocks but the last are
 * full: there is never more than one for each 32 KiB, and eight; and never are more than 32 KiB allocated in vain.
 */
export class ParkedBytes {
  readonly #blocks: Buffer[] = [];
  /** Bytes of the last block that are taken up. */
  #filled = 0;
  #length = 0;

  /** Bytes that are parked. */
  get length(): number {
    return this.#length;
  }

  get blocks(): number {
    return this.#blocks.length;
  }

  /** Copies them. */
  push(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; ) {
      const copied = bytes.copy(this.#roomFor(bytes.length - from), this.#filled, from);
      this.#filled += copied;
      this.#length += copied;
      from += copied;
    }
  }

  /** The first block, which is the caller's from then on; undefined when nothing is parked. */
  shift(): Buffer | undefined {
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    const bytes = this.#blocks.length === 0 ? block.subarray(0, this.#filled) : block;
    this.#length -= bytes.length;
    return bytes;
  }

  clear(): void {
    this.#blocks.splice(0);
    this.#length = 0;
  }

  /** The last block, or another when that is full. */
  #roomFor(bytes: number): Buffer {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#filled < last.length) return last;
    const size = Math.max(bytes, Math.min(Math.max(this.#length, LEAST_BLOCK), MOST_BLOCK));
    const block = Buffer.allocUnsafeSlow(size);
    this.#blocks.push(block);
    this.#filled = 0;
    return block;
  }
}
