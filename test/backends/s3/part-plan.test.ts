import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MAX_OBJECT_BYTES,
  partIndexAt,
  partNumberAt,
  partRange,
} from '../../../src/backends/s3/part-plan.ts';

const MiB = 1024 ** 2;
const PARTS = 10_000;

/** All parts there are. */
function allRanges() {
  return Array.from({ length: PARTS }, (_, index) => partRange(index));
}

describe('the part plan', () => {
  test('has exactly the 10,000 parts that S3 takes, one behind the other without gap or overlap', () => {
    let end = 0;
    for (const range of allRanges()) {
      expect(range.start).toBe(end);
      end = range.end;
    }
    expect(end).toBe(MAX_OBJECT_BYTES);
    expect(() => partRange(PARTS)).toThrow('EFBIG');
  });

  test('has no part below 5 MiB or above 5 GiB, which S3 would refuse, and none that is smaller than the one before', () => {
    const sizes = allRanges().map(({ start, end }) => end - start);
    expect(Math.min(...sizes)).toBe(5 * MiB);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5 * 1024 * MiB);
    expect(sizes.every((size, index) => size >= (sizes[index - 1] ?? 0))).toBe(true);
  });

  test('reaches 461 GiB, and begins with parts of 5 MiB', () => {
    expect(Math.round(MAX_OBJECT_BYTES / 1024 ** 3)).toBe(461);
    expect(partRange(0)).toEqual({ start: 0, end: 5 * MiB });
    expect(partRange(16)).toEqual({ start: 80 * MiB, end: 88 * MiB });
  });

  test('every byte is in the part that its offset leads to', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_OBJECT_BYTES - 1 }), (offset) => {
        const index = partIndexAt(offset);
        const { start, end } = partRange(index);
        expect(start).toBeLessThanOrEqual(offset);
        expect(offset).toBeLessThan(end);
        expect(partNumberAt(offset)).toBe(index + 1);
      }),
      { numRuns: 2000 },
    );
  });

  test('the first and the last byte of every part lead to it', () => {
    for (const [index, { start, end }] of allRanges().entries()) {
      if (partIndexAt(start) !== index || partIndexAt(end - 1) !== index) expect.fail(`part ${index}`);
    }
  });

  test('the last byte has a part, the one after it is EFBIG', () => {
    expect(partIndexAt(MAX_OBJECT_BYTES - 1)).toBe(PARTS - 1);
    for (const offset of [MAX_OBJECT_BYTES, MAX_OBJECT_BYTES + 1, Number.MAX_SAFE_INTEGER]) {
      expect(() => partIndexAt(offset)).toThrow(expect.objectContaining({ code: 'EFBIG' }));
      expect(partNumberAt(offset)).toBe(PARTS + 1);
    }
  });
});
