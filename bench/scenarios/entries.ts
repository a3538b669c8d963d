/** The name of an entry, without a blank or a slash, so that it is the last word of any listing's line. */
export function entryName(index: number): string {
  return `entry-${String(index).padStart(7, '0')}.csv`;
}

/** Reads the output of `ls`, names alone or long lines, and tells whether each entry is in it exactly once. */
export class ListingCheck {
  readonly #names = new Set<string>();
  #lines = 0;

  /** A line of output; the echo of the command is none. */
  line(line: string): void {
    if (line.startsWith('sftp>') || line.trim() === '') return;
    this.#lines += 1;
    this.#names.add(line.slice(Math.max(line.lastIndexOf('/'), line.lastIndexOf(' ')) + 1));
  }

  /** @throws Error unless the entries are `entries` in number, none missing, none twice. */
  assertComplete(entries: number): void {
    let missing = 0;
    for (let index = 0; index < entries; index++) if (!this.#names.has(entryName(index))) missing += 1;
    if (this.#lines === entries && missing === 0) return;
    throw new Error(
      `the listing has ${this.#lines} lines for ${entries} entries, of which ${missing} are missing`,
    );
  }
}
