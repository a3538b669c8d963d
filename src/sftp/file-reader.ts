import { FsError, type FsErrorCode, toFsErrorCode } from '../contract/errors.ts';
import type { MemoryAllowance } from '../contract/memory.ts';
import { type Fetch, ReadWindow, type Stretch } from './read-window.ts';

/**
 * Fetches `length` bytes from `offset`: fewer only at the end of the file. May stop when the signal is aborted. `allocate` as in the
 * contract's `FileRange`.
 */
export type FetchRange = (
  offset: number,
  length: number,
  signal: AbortSignal,
  allocate: (bytes: number) => Uint8Array,
) => Promise<Uint8Array>;

export interface FileReaderOptions {
  /** That of the file when it was opened, in bytes: nothing past it is fetched. */
  readonly size: number;
  readonly fetch: FetchRange;
  readonly memory: MemoryAllowance;
  /** Hears at `close`, once, how much was read. */
  readonly onClosed?: (ended: EndedReading) => void;
}

/** What has become of a file that was open for reading. */
export interface EndedReading {
  /** Bytes that went to the client. */
  readonly bytes: number;
  /** Of the file, in bytes. */
  readonly size: number;
  /** `ok`, the POSIX code of the last read if that failed, or `ECONNABORTED` when nobody has closed it. */
  readonly result: FsErrorCode | 'ok' | 'ECONNABORTED';
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
 * Memory of a window is used again for the one that is fetched as soon as it is dropped, if that is as long: the same file's, so that no
 * mistake could show one client what another reads. Made anew for each, 4 MiB of it cost a third of a download's CPU time, because V8 looks
 * for garbage after every 44 MiB.
 *
 * A fetch ahead that fails is met by the read that needs its bytes. After `ESTALE` (the file was replaced) every
 * read fails: whatever could still be fetched is of another file.
 */
export class FileReader {
  readonly #size: number;
  readonly #fetch: FetchRange;
  readonly #memory: MemoryAllowance;
  readonly #onClosed: FileReaderOptions['onClosed'];
  readonly #closed = new AbortController();
  #bytesRead = 0;
  /** What the last read failed of. */
  #failure: FsErrorCode | undefined;
  /** The window being read. */
  #current: ReadWindow | undefined;
  /** The one fetched ahead. Once dropped it keeps this place until its fetch has settled: no third is begun. */
  #ahead: ReadWindow | undefined;
  /** Of the window that has just been dropped; not reserved any more, so nothing keeps it beyond that turn. */
  #spare: Uint8Array | undefined;
  /** Where the last read ended. */
  #next: number | undefined;
  /** The read that waits for a fetch; never rejects. */
  #reading: Promise<void> | undefined;
  /** Why nothing can be read any more. */
  #refusal: unknown;

  constructor({ size, fetch, memory, onClosed }: FileReaderOptions) {
    this.#size = size;
    this.#fetch = fetch;
    this.#memory = memory;
    this.#onClosed = onClosed;
  }

  /**
   * The bytes at `offset`: `length` of them, fewer only at the end of the file, where there are none (section 6.4
   * of the draft promises full reads of regular files). Without a promise when they are there: then they are a view of
   * what is held, good until the next read. A read waits for one that is under way.
   * @throws what the fetch failed with, and the next read tries again; `ESTALE` for good; `EBADF` once closed.
   */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    this.#assertReadable();
    const end = Math.min(offset + length, this.#size);
    if (offset >= end) return new Uint8Array(0);
    if (this.#reading !== undefined) return this.#reading.then(() => this.read(offset, length));
    const isSequential = offset === this.#next;
    this.#next = end;
    const current = this.#current;
    if (current?.holds(offset, end)) {
      if (isSequential) this.#readAhead(current);
      const bytes = current.slice(offset, end);
      this.#bytesRead += bytes.length;
      return bytes;
    }
    const bytes = this.#gather(offset, end, isSequential);
    const done = () => {
      this.#reading = undefined;
    };
    this.#reading = bytes.then(
      ({ length }) => {
        this.#failure = undefined;
        this.#bytesRead += length;
        done();
      },
      (error) => {
        this.#failure = toFsErrorCode(error);
        done();
      },
    );
    return bytes;
  }

  /**
   * Lets go of everything, fetches under way included: what these have reserved is given back when they settle. `lost` when it is
   * not the client that has closed it.
   */
  close({ lost = false } = {}): void {
    if (!this.#closed.signal.aborted) {
      const result = this.#failure ?? (lost ? 'ECONNABORTED' : 'ok');
      this.#onClosed?.({ bytes: this.#bytesRead, size: this.#size, result });
    }
    this.#refusal ??= new FsError('EBADF', 'the file is closed');
    this.#drop();
    this.#closed.abort();
  }

  async #gather(offset: number, end: number, isSequential: boolean): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let at = offset; at < end; ) {
      const window = this.#windowAt(at, end - at);
      if (isSequential) this.#readAhead(window);
      this.#spare = undefined;
      if (window.isFetching) await window.settled;
      this.#assertReadable();
      const piece = this.#take(window, at, end);
      if (piece.length === 0) break;
      at += piece.length;
      // Whoever waits for the promise may not see it before another read.
      pieces.push(Buffer.from(piece));
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
    this.#spare = before?.drop();
    if (this.#ahead?.covers(offset)) {
      this.#current = this.#ahead;
      this.#ahead = undefined;
      return this.#current;
    }
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
    if (this.#memory.tryReserve(length)) this.#ahead = this.#open({ start: window.end, length });
  }

  /** Reserves `wanted` bytes, or fewer, but at least `needed`; how many. None when not even these are granted. */
  #reserve(wanted: number, needed: number): number {
    for (let bytes = wanted; ; bytes = Math.max(Math.floor(bytes / 2), needed)) {
      if (this.#memory.tryReserve(bytes)) return bytes;
      if (bytes === needed) return 0;
    }
  }

  /** Begins to fetch a stretch that is reserved. */
  #open(stretch: Stretch): ReadWindow {
    return this.#window(stretch, () => this.#memory.release(stretch.length));
  }

  #window(stretch: Stretch, onEmpty: () => void): ReadWindow {
    const { start, length } = stretch;
    const spare = this.#spare;
    this.#spare = undefined;
    const { signal } = this.#closed;
    const fetch: Fetch = (allocate) => this.#fetch(start, length, signal, allocate);
    return new ReadWindow(stretch, fetch, onEmpty, spare);
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
