import type { DirectoryEntry, FileInfo } from '../contract/types.ts';
import { directoryInfo } from '../contract/types.ts';

/**
 * An open directory: hands out the entries of a backend's pages in batches of the protocol's size, `.` and `..`
 * first, holding one page at a time.
 */
export class DirectoryReader {
  readonly #pages: AsyncIterator<readonly DirectoryEntry[]>;
  #ready: DirectoryEntry[];
  #exhausted = false;

  constructor(pages: AsyncIterable<readonly DirectoryEntry[]>, self: FileInfo = directoryInfo()) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#ready = [
      { ...self, name: '.' },
      { ...directoryInfo(self.mtime), name: '..' },
    ];
  }

  /** Whether the next batch needs no call of the backend. */
  get hasReady(): boolean {
    return this.#ready.length > 0 || this.#exhausted;
  }

  /** Asks for the first page, so that a missing directory is known before a handle is given out. */
  async open(): Promise<void> {
    await this.#fetch();
  }

  /** Up to `limit` entries; none at the end, however often it is asked. */
  async next(limit: number): Promise<DirectoryEntry[]> {
    while (this.#ready.length === 0 && !this.#exhausted) await this.#fetch();
    return this.#ready.splice(0, limit);
  }

  async close(): Promise<void> {
    this.#exhausted = true;
    this.#ready = [];
    await this.#pages.return?.();
  }

  async #fetch(): Promise<void> {
    const page = await this.#pages.next();
    if (page.done) this.#exhausted = true;
    else for (const entry of page.value) this.#ready.push(entry);
  }
}
