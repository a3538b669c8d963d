import { crc32 } from 'node:zlib';
import { combineCrc32 } from '../../test/support/strict-s3/checksums.ts';

/** A run of bytes that came in one piece, and what is left of them. */
export interface Extent {
  readonly size: number;
  /** Undefined when it is not known: a copy of less than a whole part. */
  readonly crc32: number | undefined;
}

/** Extents as one: its CRC32 is known when that of each is. */
export function join(extents: readonly Extent[]): Extent {
  return extents.reduce<Extent>(
    (whole, { size, crc32: crc }) => ({
      size: whole.size + size,
      crc32:
        whole.crc32 === undefined || crc === undefined ? undefined : combineCrc32(whole.crc32, crc, size),
    }),
    { size: 0, crc32: 0 },
  );
}

/** The bytes from `start` up to `end`: with their CRC32 when they are whole extents. */
export function slice(extents: readonly Extent[], start: number, end: number): Extent {
  const within: Extent[] = [];
  let at = 0;
  for (const extent of extents) {
    if (at >= start && at + extent.size <= end) within.push(extent);
    at += extent.size;
  }
  const whole = join(within);
  return whole.size === end - start ? whole : { size: end - start, crc32: undefined };
}

/** The CRC32 of so many zeros, without making them. */
export function crc32OfZeros(bytes: number): number {
  let crc = 0;
  let run = { size: 1, crc: crc32(Buffer.alloc(1)) };
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) crc = combineCrc32(crc, run.crc, run.size);
    run = { size: run.size * 2, crc: combineCrc32(run.crc, run.crc, run.size) };
  }
  return crc;
}
