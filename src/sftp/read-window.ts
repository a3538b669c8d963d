/** Fetches a window's bytes, into what it gets from `allocate` if it likes. */
export type Fetch = (allocate: (bytes: number) => Uint8Array) => Promise<Uint8Array>;

/** Which bytes a window asks for. */
export interface Stretch {
  readonly start: number;
  readonly length: number;
}

/**
 * A stretch of a file, fetched at once. When its fetch has failed, or has settled and it is dropped, it holds
 * nothing and says so, once.
 */
export class ReadWindow {
  readonly start: number;
  readonly length: number;
  /** Resolves when the fetch has settled, however it did. */
  readonly settled: Promise<void>;
  readonly #onEmpty: () => void;
  #state: 'fetching' | 'there' | 'failed' | 'gone' = 'fetching';
  #dropped = false;
  #bytes: Uint8Array = new Uint8Array(0);
  /** What was made for the fetch, if it wanted any. */
  #memory: Uint8Array | undefined;
  /** As much of another window, for the fetch to use again. */
  #spare: Uint8Array | undefined;
  #error: unknown;

  constructor({ start, length }: Stretch, fetch: Fetch, onEmpty: () => void, spare?: Uint8Array) {
    this.start = start;
    this.length = length;
    this.#onEmpty = onEmpty;
    this.#spare = spare;
    this.settled = this.#fill(fetch);
  }

  /** Where it ends, or will: earlier than was asked for when the file turned out to be shorter. */
  get end(): number {
    return this.start + (this.#state === 'there' ? this.#bytes.length : this.length);
  }

  get isFetching(): boolean {
    return this.#state === 'fetching';
  }

  get hasFailed(): boolean {
    return this.#state === 'failed';
  }

  /** Whether it is dropped and its fetch has settled: nothing is left of it. */
  get isGone(): boolean {
    return this.#state === 'gone';
  }

  /** Whether the byte at `offset` is here, or will be, or would be had the fetch not failed. */
  covers(offset: number): boolean {
    return !this.#dropped && offset >= this.start && offset < this.end;
  }

  /** Whether the bytes from `from` to `to` are here. */
  holds(from: number, to: number): boolean {
    return this.#state === 'there' && from >= this.start && to <= this.end;
  }

  /** A view of what is here from `from` up to `to`. @throws what the fetch failed with. */
  slice(from: number, to: number): Uint8Array {
    if (this.hasFailed) throw this.#error;
    return this.#bytes.subarray(from - this.start, to - this.start);
  }

  /** Nobody needs it any more, nor any view of it. Returns memory that nobody will write to, if it has any. */
  drop(): Uint8Array | undefined {
    this.#dropped = true;
    const memory = this.#state === 'there' ? this.#memory : undefined;
    if (this.#state === 'there') this.#empty();
    if (!this.isFetching) this.#state = 'gone';
    return memory;
  }

  async #fill(fetch: Fetch): Promise<void> {
    try {
      this.#bytes = await fetch((bytes) => this.#allocate(bytes));
      if (this.#bytes.buffer !== this.#memory?.buffer) this.#memory = undefined;
      this.#spare = undefined;
      this.#state = 'there';
    } catch (error) {
      this.#error = error;
      this.#state = 'failed';
      this.#empty();
    }
    if (this.#dropped) this.drop();
  }

  /** A fetch that begins again may have left something that still writes to what it got before. */
  #allocate(bytes: number): Uint8Array {
    const spare = this.#spare;
    this.#spare = undefined;
    this.#memory = spare?.length === bytes ? spare : Buffer.allocUnsafeSlow(bytes);
    return this.#memory;
  }

  #empty(): void {
    this.#bytes = new Uint8Array(0);
    this.#memory = this.#spare = undefined;
    this.#onEmpty();
  }
}
