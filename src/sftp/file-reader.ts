import { FsError, toFsErrorCode } from '../contract/errors.ts';
import type { MemoryAllowance } from '../contract/memory.ts';
import { ReadWindow, type Stretch } from './read-window.ts';

export interface FetchOptions {
  /** The fetch may stop when it is aborted. */
  readonly signal: AbortSignal;
  /** Of `length` bytes, which the fetch may fill and answer with. */
  readonly into?: Uint8Array;
}

/** Fetches `length` bytes from `offset`: fewer only at the end of the file. */
export type FetchRange = (offset: number, length: number, options: FetchOptions) => Promise<Uint8Array>;

export interface FileReaderOptions {
  /** That of the file when it was opened, in bytes: nothing past it is fetched. */
  readonly size: number;
  readonly fetch: FetchRange;
  readonly memory: MemoryAllowance;
}

const SMALLEST_WINDOW_BYTES = 64 * 1024;
const LARGEST_WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Serves the small READs of a client from few large fetches. It holds two windows at most: the one being read,
 * and the one behind it, which is fetched ahead as soon as a read begins where the last one ended. Each window is
 * twice as long as the one before, up to 4 MiB; a read elsewhere starts small again.
 *
 * Both are reserved in the allowance, 8 MiB at most, until `close`. Where the allowance refuses, the window is
 * shorter and nothing is fetched ahead. Where it refuses even the bytes of the one read, these are fetched
 * unreserved and kept no longer than their reply needs them: as a session answers one READ at a time, that is at
 * most 255 KiB for each. So no read fails or waits for want of memory.
 *
 * A window that has been read through lends its memory to the fetch behind the next one, when that is as long: a
 * fresh 4 MiB for each would be collected late, and cost much of what a download does.
 *
 * A fetch ahead that fails is met by the read that needs its bytes. After `ESTALE` (the file was replaced) every
 * read fails: whatever could still be fetched is of another file.
 */
export class FileReader {
  readonly #size: number;
  readonly #fetch: FetchRange;
  readonly #memory: MemoryAllowance;
  readonly #closed = new AbortController();
  /** The window being read. */
  #current: ReadWindow | undefined;
  /** The one fetched ahead. Once dropped it keeps this place until its fetch has settled: no third is begun. */
  #ahead: ReadWindow | undefined;
  /** What the window that was left held, reserved as before, for the fetch ahead that begins at once. */
  #spare: Uint8Array | undefined;
  /** Where the last read ended. */
  #next: number | undefined;
  /** The read that waits for a fetch; never rejects. */
  #reading: Promise<void> | undefined;
  /** Why nothing can be read any more. */
  #refusal: unknown;

  constructor({ size, fetch, memory }: FileReaderOptions) {
    this.#size = size;
    this.#fetch = fetch;
    this.#memory = memory;
  }

  /**
   * The bytes at `offset`: `length` of them, fewer only at the end of the file, where there are none (section 6.4
   * of the draft promises full reads of regular files). `use` gets them and makes the answer; they may be a view of what
   * is held, and good for nothing once it returns. Without a promise when they are there. A read waits for one that is
   * under way.
   * @throws what the fetch failed with, and the next read tries again; `ESTALE` for good; `EBADF` once closed.
   */
  read<T>(offset: number, length: number, use: (bytes: Uint8Array) => T): T | Promise<T> {
    this.#assertReadable();
    const end = Math.min(offset + length, this.#size);
    if (offset >= end) return use(new Uint8Array(0));
    if (this.#reading !== undefined) return this.#reading.then(() => this.read(offset, length, use));
    const isSequential = offset === this.#next;
    this.#next = end;
    const current = this.#current;
    if (current?.holds(offset, end)) {
      if (isSequential) this.#readAhead(current);
      return use(current.slice(offset, end));
    }
    const used = this.#gather(offset, end, isSequential).then(use);
    const done = () => {
      this.#reading = undefined;
    };
    this.#reading = used.then(done, done);
    return used;
  }

  /** Lets go of everything, fetches under way included: what these have reserved is given back when they settle. */
  close(): void {
    this.#refusal ??= new FsError('EBADF', 'the file is closed');
    this.#drop();
    this.#closed.abort();
  }

  async #gather(offset: number, end: number, isSequential: boolean): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let at = offset; at < end; ) {
      const window = this.#windowAt(at, end - at);
      if (isSequential) this.#readAhead(window);
      this.#releaseSpare();
      if (window.isFetching) await window.settled;
      this.#assertReadable();
      const piece = this.#take(window, at, end);
      if (piece.length === 0) break;
      at += piece.length;
      // A view would keep the whole window in memory while the rest is waited for.
      pieces.push(at < end ? Buffer.from(piece) : piece);
    }
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }

  #take(window: ReadWindow, from: number, to: number): Uint8Array {
    try {
      return window.slice(from, to);
    } catch (error) {
      if (toFsErrorCode(error) === 'ESTALE') this.#refusal = error;
      this.#drop();
      throw error;
    }
  }

  /** The window with the byte at `offset`: the current one, or the one ahead or a new one in its place. */
  #windowAt(offset: number, needed: number): ReadWindow {
    const before = this.#current;
    if (before?.covers(offset)) return before;
    if (this.#ahead?.covers(offset)) {
      this.#spare = before?.surrender();
      this.#current = this.#ahead;
      this.#ahead = undefined;
      return this.#current;
    }
    before?.drop();
    this.#ahead?.drop();
    const wanted = offset === before?.end ? twice(before.length) : SMALLEST_WINDOW_BYTES;
    const length = this.#reserve(Math.min(Math.max(wanted, needed), this.#size - offset), needed);
    if (length > 0) {
      this.#current = this.#open({ start: offset, length });
      return this.#current;
    }
    this.#current = undefined;
    return this.#window({ start: offset, length: needed }, () => undefined);
  }

  /** Begins to fetch what follows the current window, unless memory is short. */
  #readAhead(window: ReadWindow): void {
    if (window !== this.#current || window.hasFailed || window.end >= this.#size) return;
    if (this.#ahead !== undefined && !this.#ahead.isGone) return;
    const length = Math.min(twice(window.length), this.#size - window.end);
    const into = this.#spare?.length === length ? this.#spare : undefined;
    if (into === undefined) this.#releaseSpare();
    this.#spare = undefined;
    if (into !== undefined || this.#memory.tryReserve(length)) {
      this.#ahead = this.#open({ start: window.end, length }, into);
    }
  }

  /** Reserves `wanted` bytes, or fewer, but at least `needed`; how many. None when not even these are granted. */
  #reserve(wanted: number, needed: number): number {
    for (let bytes = wanted; ; bytes = Math.max(Math.floor(bytes / 2), needed)) {
      if (this.#memory.tryReserve(bytes)) return bytes;
      if (bytes === needed) return 0;
    }
  }

  /** Begins to fetch a stretch that is reserved. */
  #open(stretch: Stretch, into?: Uint8Array): ReadWindow {
    return this.#window(stretch, () => this.#memory.release(stretch.length), into);
  }

  #window(stretch: Stretch, onEmpty: () => void, into?: Uint8Array): ReadWindow {
    const { start, length } = stretch;
    const options = { signal: this.#closed.signal, ...(into === undefined ? {} : { into }) };
    return new ReadWindow(stretch, () => this.#fetch(start, length, options), onEmpty);
  }

  #releaseSpare(): void {
    if (this.#spare !== undefined) this.#memory.release(this.#spare.length);
    this.#spare = undefined;
  }

  #drop(): void {
    this.#current?.drop();
    this.#current = undefined;
    this.#ahead?.drop();
  }

  #assertReadable(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }
}

function twice(bytes: number): number {
  return Math.min(2 * bytes, LARGEST_WINDOW_BYTES);
}
