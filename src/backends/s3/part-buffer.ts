import type { BufferPool, KeepOptions, Kept } from '../../buffers/buffer-pool.ts';
import type { ByteRange } from '../../buffers/range-set.ts';
import type { SpoolFile } from '../../buffers/spool.ts';
import { crc32 } from './checksum.ts';
import { Part, type PartState } from './part.ts';
import type { Unit } from './part-plan.ts';
import { SpooledPart } from './spooled-part.ts';

/** One unit while it fills, in memory: its bytes wherever they fall, and their CRC32 so far. */
export class PartBuffer extends Part {
  readonly #pool: BufferPool;
  #bytes: Buffer;
  /** CRC32 of the first `#crcEnd` bytes: follows sequential writes while they are in the cache. */
  #crc = 0;
  #crcEnd = 0;

  /** `bytes` is a buffer of the pool, as long as the unit or shorter, with what `written` says in it. */
  constructor(unit: Unit, pool: BufferPool, bytes: Buffer, state?: PartState) {
    super(unit, state);
    this.#pool = pool;
    this.#bytes = bytes;
  }

  /** Bytes of memory that it takes. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Goes on in a larger buffer of the pool. */
  enlarge(larger: Buffer): void {
    this.#bytes.copy(larger);
    this.#pool.give(this.#bytes);
    this.#bytes = larger;
  }

  /** Copies what of `bytes`, which stand at `offset` of the object, there is room for; returns how much. */
  write(offset: number, bytes: Uint8Array): number {
    const at = offset - this.unit.start;
    const length = Math.min(bytes.length, this.#bytes.length - at);
    if (length <= 0) return 0;
    this.lastUse = performance.now();
    this.#bytes.set(length === bytes.length ? bytes : bytes.subarray(0, length), at);
    if (at < this.#crcEnd) this.wasRewritten = true;
    this.written.add(at, at + length);
    if (at === this.#crcEnd) this.#extendCrc(at + length);
    else if (at < this.#crcEnd) this.#restartCrc();
    return length;
  }

  override truncate(size: number): void {
    super.truncate(size);
    if (size - this.unit.start < this.#crcEnd) this.#restartCrc();
  }

  /** What is missing of the unit, as ranges of the object, when the object ends at `size`. */
  holes(size: number): ByteRange[] {
    const { start, end } = this.unit;
    return this.written
      .holes(0, Math.min(end, size) - start)
      .map((hole) => ({ start: start + hole.start, end: start + hole.end }));
  }

  /** Fills a hole with zeros. The buffer must be long enough. */
  zero({ start, end }: ByteRange): void {
    const [from, to] = [start - this.unit.start, end - this.unit.start];
    this.#bytes.fill(0, from, to);
    this.written.add(from, to);
    if (from < this.#crcEnd) this.#restartCrc();
  }

  /**
   * The unit's bytes when the object ends at `size`, with their CRC32.
   * @throws when a hole is left: the buffer has held other files before.
   */
  seal(size: number): { readonly body: Buffer; readonly crc: number } {
    const length = Math.min(this.unit.end, size) - this.unit.start;
    if (length > this.#bytes.length) throw new Error('a part longer than its buffer');
    if (!this.written.covers(0, length)) throw new Error('a part with a hole in it');
    if (this.#crcEnd > length) this.#restartCrc();
    this.#extendCrc(length);
    return { body: this.#bytes.subarray(0, length), crc: this.#crc };
  }

  /** Writes what is there to disk. The memory is still to be given back. */
  async spool(file: SpoolFile): Promise<SpooledPart> {
    for (const { start, end } of this.written.ranges) {
      await file.write(this.#bytes.subarray(start, end), start);
    }
    return new SpooledPart(this.unit, file, { written: this.written, isReopened: this.isReopened });
  }

  /** Gives the memory back. No request may be using it any more. */
  dispose(): void {
    if (this.#bytes.length > 0) this.#pool.give(this.#detach());
  }

  /** Gives the memory back, with the bytes in it for as long as nobody needs it. */
  keep(options: KeepOptions): Kept {
    return this.#pool.keep(this.#detach(), options);
  }

  protected override read(target: Buffer, at: number): undefined {
    this.#bytes.copy(target, 0, at, at + target.length);
  }

  #detach(): Buffer {
    const bytes = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return bytes;
  }

  #extendCrc(end: number): void {
    this.#crc = crc32(this.#bytes.subarray(this.#crcEnd, end), this.#crc);
    this.#crcEnd = end;
  }

  #restartCrc(): void {
    this.#crc = 0;
    this.#crcEnd = 0;
  }
}
