/** Fetches `length` bytes from `offset`: fewer only at the end of the file. */
export type FetchRange = (offset: number, length: number) => Promise<Uint8Array>;

const SMALLEST_FETCH_BYTES = 64 * 1024;
const LARGEST_FETCH_BYTES = 4 * 1024 * 1024;

/**
 * Serves the small READs of a client from few large fetches. While reads are sequential each fetch is twice as
 * long as the one before, up to 4 MiB; a read elsewhere starts small again. Holds one fetched range at a time.
 */
export class FileReader {
  readonly #fetch: FetchRange;
  readonly #size: number;
  #start = 0;
  #held: Uint8Array = new Uint8Array(0);
  #fetchBytes = 2 * SMALLEST_FETCH_BYTES;

  /** `size` is that of the file when it was opened, in bytes: nothing past it is fetched. */
  constructor(size: number, fetch: FetchRange) {
    this.#size = size;
    this.#fetch = fetch;
  }

  /** Whether a read needs no fetch. */
  holds(offset: number, length: number): boolean {
    const end = Math.min(offset + length, this.#size);
    return offset >= end || (offset >= this.#start && end <= this.#end);
  }

  /**
   * The bytes at `offset`: `length` of them, fewer only at the end of the file, where there are none (section 6.4
   * of the draft promises full reads of regular files). May be a view of what is held: copy before the next read.
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.#size);
    if (this.holds(offset, length)) return this.#slice(offset, end);
    const pieces: Uint8Array[] = [];
    for (let at = offset; at < end; ) {
      if (at < this.#start || at >= this.#end) await this.#fill(at, end - at);
      const piece = this.#slice(at, end);
      if (piece.length === 0) break;
      pieces.push(piece);
      at += piece.length;
    }
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }

  get #end(): number {
    return this.#start + this.#held.length;
  }

  #slice(from: number, to: number): Uint8Array {
    return this.#held.subarray(from - this.#start, Math.max(to, from) - this.#start);
  }

  async #fill(offset: number, length: number): Promise<void> {
    const sequential = offset === this.#end;
    this.#fetchBytes = sequential
      ? Math.min(this.#fetchBytes * 2, LARGEST_FETCH_BYTES)
      : SMALLEST_FETCH_BYTES;
    const wanted = Math.min(Math.max(this.#fetchBytes, length), this.#size - offset);
    this.#held = await this.#fetch(offset, wanted);
    this.#start = offset;
  }
}
