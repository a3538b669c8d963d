import type { DirectoryEntry } from '../../contract/types.ts';

/** Entries in a message: of names as long as they get, some 300 KiB. */
const PAGE_ENTRIES = 1000;

export interface Page {
  readonly entries: readonly DirectoryEntry[];
  readonly more: boolean;
}

/** A listing on the side of its backend, which is asked for a page when it is asked for one. */
export class ServedListing {
  readonly #pages: AsyncIterator<readonly DirectoryEntry[]>;
  readonly #ending = new AbortController();
  /** Of a page that is too large for one message. */
  #rest: readonly DirectoryEntry[] = [];

  /** `list` is given the signal of its end. */
  constructor(list: (signal: AbortSignal) => AsyncIterable<readonly DirectoryEntry[]>) {
    this.#pages = list(this.#ending.signal)[Symbol.asyncIterator]();
  }

  async next(): Promise<Page> {
    if (this.#rest.length === 0) {
      const { done, value } = await this.#pages.next();
      if (done) return { entries: [], more: false };
      this.#rest = value;
    }
    const entries = this.#rest.slice(0, PAGE_ENTRIES);
    this.#rest = this.#rest.slice(PAGE_ENTRIES);
    return { entries, more: true };
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.#pages.return?.();
  }
}
