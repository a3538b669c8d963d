import type { ByteRange } from '../../buffers/range-set.ts';
import { FsError } from '../../contract/errors.ts';

const MiB = 1024 * 1024;

interface Tier {
  readonly parts: number;
  readonly bytes: number;
}

/**
 * How many parts there are of each size, in order. Small ones first, so that small uploads are cheap, and 10,000
 * in all, the most that S3 takes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
 */
const TIERS: readonly Tier[] = [
  { parts: 16, bytes: 5 * MiB },
  { parts: 984, bytes: 8 * MiB },
  { parts: 1000, bytes: 16 * MiB },
  { parts: 2000, bytes: 32 * MiB },
  { parts: 6000, bytes: 64 * MiB },
];

const MAX_PARTS = TIERS.reduce((sum, { parts }) => sum + parts, 0);

/** The largest object the plan reaches: about 461 GiB. A write past it is EFBIG. */
export const MAX_OBJECT_BYTES = TIERS.reduce((sum, { parts, bytes }) => sum + parts * bytes, 0);

/**
 * The index, from 0, of the part that holds the byte at `offset`: a function of the offset alone, whatever came
 * before. S3's part number is one more.
 * @throws FsError `EFBIG` past {@link MAX_OBJECT_BYTES}.
 */
export function partIndexAt(offset: number): number {
  let index = 0;
  let start = 0;
  for (const { parts, bytes } of TIERS) {
    const end = start + parts * bytes;
    if (offset < end) return index + Math.floor((offset - start) / bytes);
    index += parts;
    start = end;
  }
  throw new FsError('EFBIG', `no part holds byte ${offset}`);
}

/** S3's number of the part that holds a byte; past the largest object, one more than there are parts. */
export function partNumberAt(offset: number): number {
  return offset < MAX_OBJECT_BYTES ? partIndexAt(offset) + 1 : MAX_PARTS + 1;
}

/** The bytes of the object that part `index` holds, if the object is long enough. */
export function partRange(index: number): ByteRange {
  let firstIndex = 0;
  let start = 0;
  for (const { parts, bytes } of TIERS) {
    if (index < firstIndex + parts) {
      const at = start + (index - firstIndex) * bytes;
      return { start: at, end: at + bytes };
    }
    firstIndex += parts;
    start += parts * bytes;
  }
  throw new FsError('EFBIG', `there is no part ${index}`);
}
