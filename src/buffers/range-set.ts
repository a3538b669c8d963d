/** A half-open range of byte positions. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Which bytes are there: a set of positions as sorted, disjoint, non-adjacent ranges. */
export class RangeSet {
  #ranges: ByteRange[] = [];

  get ranges(): readonly ByteRange[] {
    return this.#ranges;
  }

  /** How many positions are in the set. */
  get count(): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const last = this.#ranges.at(-1);
    if (last === undefined || start > last.end) {
      this.#ranges.push({ start, end });
      return;
    }
    if (start >= last.start) {
      if (end > last.end) this.#ranges[this.#ranges.length - 1] = { start: last.start, end };
      return;
    }
    const before = this.#ranges.filter((range) => range.end < start);
    const after = this.#ranges.filter((range) => range.start > end);
    const touching = this.#ranges.slice(before.length, this.#ranges.length - after.length);
    const merged = {
      start: Math.min(start, touching[0]?.start ?? start),
      end: Math.max(end, touching.at(-1)?.end ?? end),
    };
    this.#ranges = [...before, merged, ...after];
  }

  /** Removes every position from `from` on. */
  truncate(from: number): void {
    this.#ranges = this.#ranges
      .filter(({ start }) => start < from)
      .map(({ start, end }) => ({ start, end: Math.min(end, from) }));
  }

  /** Whether all of [start, end) is in the set. */
  covers(start: number, end: number): boolean {
    return start >= end || this.#ranges.some((range) => range.start <= start && end <= range.end);
  }

  /** What of [start, end) is in the set, in order. */
  within(start: number, end: number): ByteRange[] {
    return this.#ranges
      .filter((range) => range.end > start && range.start < end)
      .map((range) => ({ start: Math.max(start, range.start), end: Math.min(end, range.end) }));
  }

  /** What is missing of [start, end), in order. */
  holes(start: number, end: number): ByteRange[] {
    const holes: ByteRange[] = [];
    let at = start;
    for (const range of this.#ranges) {
      if (range.end <= at) continue;
      if (range.start >= end) break;
      if (range.start > at) holes.push({ start: at, end: range.start });
      at = range.end;
    }
    if (at < end) holes.push({ start: at, end });
    return holes;
  }
}
