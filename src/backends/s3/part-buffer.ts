import type { BufferPool } from '../../buffers/buffer-pool.ts';
import { type ByteRange, RangeSet } from '../../buffers/range-set.ts';
import { crc32 } from './checksum.ts';
import { partRange } from './part-plan.ts';

/** Until a file outgrows this, its first part holds no more: a thousand small files do not hold a part each. */
const SMALL_BYTES = 64 * 1024;

/** One part while it fills: its bytes wherever they fall, which of them are there, and their CRC32 so far. */
export class PartBuffer {
  readonly index: number;
  /** The bytes of the object that the whole part holds. */
  readonly range: ByteRange;
  readonly #pool: BufferPool;
  readonly #written = new RangeSet();
  #reserved: number;
  #bytes: Buffer;
  /** CRC32 of the first `#crcEnd` bytes: follows sequential writes while they are in the cache. */
  #crc = 0;
  #crcEnd = 0;

  constructor(index: number, pool: BufferPool) {
    this.index = index;
    this.range = partRange(index);
    this.#pool = pool;
    this.#reserved = bytesToOpen(index);
    this.#bytes = pool.take(this.#reserved);
  }

  /** Bytes of the whole part. */
  get capacity(): number {
    return this.range.end - this.range.start;
  }

  /** Bytes that the part may hold at the moment; what it counts for in the memory budget. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Lets a small part hold all of its bytes. To be called once the rest of them is reserved. */
  enlarge(): void {
    this.#reserved = this.capacity;
  }

  /** How many separate ranges of bytes there are. */
  get pieces(): number {
    return this.#written.ranges.length;
  }

  get isFull(): boolean {
    return this.#written.covers(0, this.capacity);
  }

  /**
   * Copies what of `bytes`, which stand at `offset` of the object, falls into this part as far as it is reserved;
   * returns how much.
   */
  write(offset: number, bytes: Uint8Array): number {
    const at = offset - this.range.start;
    const length = Math.min(bytes.length, this.#reserved - at);
    if (length <= 0) return 0;
    this.#ensure(at + length);
    this.#bytes.set(length === bytes.length ? bytes : bytes.subarray(0, length), at);
    this.#written.add(at, at + length);
    if (at === this.#crcEnd) this.#extendCrc(at + length);
    else if (at < this.#crcEnd) this.#restartCrc();
    return length;
  }

  /** Forgets every byte at or past `size` of the object. */
  truncate(size: number): void {
    const end = Math.max(0, size - this.range.start);
    this.#written.truncate(end);
    if (end < this.#crcEnd) this.#restartCrc();
  }

  /** What is missing of the part, as ranges of the object, when the object ends at `size`. */
  holes(size: number): ByteRange[] {
    const { start, end } = this.range;
    return this.#written
      .holes(0, Math.min(end, size) - start)
      .map((hole) => ({ start: start + hole.start, end: start + hole.end }));
  }

  /** Fills a hole with zeros. */
  zero({ start, end }: ByteRange): void {
    const [from, to] = [start - this.range.start, end - this.range.start];
    this.#ensure(to);
    this.#bytes.fill(0, from, to);
    this.#written.add(from, to);
    if (from < this.#crcEnd) this.#restartCrc();
  }

  /**
   * The part's bytes when the object ends at `size`, with their CRC32.
   * @throws when a hole is left: the buffer has held other files before.
   */
  seal(size: number): { readonly body: Buffer; readonly crc: number } {
    const length = Math.min(this.range.end, size) - this.range.start;
    if (!this.#written.covers(0, length)) throw new Error('a part with a hole in it');
    if (this.#crcEnd > length) this.#restartCrc();
    this.#extendCrc(length);
    return { body: this.#bytes.subarray(0, length), crc: this.#crc };
  }

  /** Gives the memory back. No request may be using it any more. */
  dispose(): void {
    this.#pool.give(this.#bytes);
    this.#bytes = Buffer.alloc(0);
  }

  #extendCrc(end: number): void {
    this.#crc = crc32(this.#bytes.subarray(this.#crcEnd, end), this.#crc);
    this.#crcEnd = end;
  }

  #restartCrc(): void {
    this.#crc = 0;
    this.#crcEnd = 0;
  }

  #ensure(length: number): void {
    if (length <= this.#bytes.length) return;
    let bytes = Math.max(this.#bytes.length, SMALL_BYTES);
    while (bytes < length) bytes = Math.min(bytes * 2, this.capacity);
    const larger = this.#pool.take(bytes);
    this.#bytes.copy(larger);
    this.#pool.give(this.#bytes);
    this.#bytes = larger;
  }
}

/** Bytes to reserve before a part is opened: all of it, except for the first, which starts small. */
export function bytesToOpen(index: number): number {
  const { start, end } = partRange(index);
  return index === 0 ? SMALL_BYTES : end - start;
}
