import type { ByteRange } from '../../buffers/range-set.ts';

/** Bytes of an object that can be read and copied, from `offset` on. */
export interface ObjectSource {
  readonly key: string;
  readonly etag: string;
  /** Bytes. */
  readonly offset: number;
}

/** A range of a file, and the object that has its bytes; zeros where there is none. */
export interface Piece extends ByteRange {
  readonly source: ObjectSource | undefined;
}

type Extent = Piece & { readonly source: ObjectSource };

/**
 * Which bytes of a file that is being written lie in objects already: in the one that it replaces and keeps the bytes
 * of, in units that were put aside. What lies in none is zeros.
 */
export class Contents {
  #extents: Extent[] = [];

  get extents(): readonly ByteRange[] {
    return this.#extents;
  }

  /** From now on the bytes of the range are those of an object. */
  put(range: ByteRange, source: ObjectSource): void {
    if (range.start >= range.end) return;
    this.remove(range);
    const before = this.#extents.filter(({ end }) => end <= range.start);
    const after = this.#extents.slice(before.length);
    const extent = { start: range.start, end: range.end, source };
    const last = before.at(-1);
    // A copy of terabytes comes unit by unit.
    if (last !== undefined && goesOn(last, extent)) before[before.length - 1] = { ...last, end: extent.end };
    else before.push(extent);
    this.#extents = [...before, ...after];
  }

  /** From now on the bytes of the range are zeros. */
  remove({ start, end }: ByteRange): void {
    this.#extents = this.#extents.flatMap((extent) => [
      ...cut(extent, extent.start, Math.min(extent.end, start)),
      ...cut(extent, Math.max(extent.start, end), extent.end),
    ]);
  }

  /** The range as pieces, in order, without gaps. */
  pieces({ start, end }: ByteRange): Piece[] {
    const pieces: Piece[] = [];
    let at = start;
    for (const extent of this.#extents) {
      if (extent.end <= at) continue;
      if (extent.start >= end) break;
      if (extent.start > at) pieces.push({ start: at, end: extent.start, source: undefined });
      const [piece] = cut(extent, Math.max(extent.start, at), Math.min(extent.end, end));
      if (piece !== undefined) {
        pieces.push(piece);
        at = piece.end;
      }
    }
    if (at < end) pieces.push({ start: at, end, source: undefined });
    return pieces;
  }
}

/** The part of an extent from `start` to `end`, if there is any. */
function cut({ start: from, source }: Extent, start: number, end: number): Extent[] {
  if (start >= end) return [];
  return [{ start, end, source: { ...source, offset: source.offset + start - from } }];
}

/** Whether the bytes of an extent stand right behind those of another, in the file and in the object. */
function goesOn({ start, end, source }: Extent, next: Extent): boolean {
  if (end !== next.start || source.key !== next.source.key || source.etag !== next.source.etag) return false;
  return source.offset + end - start === next.source.offset;
}
