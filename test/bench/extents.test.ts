import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { crc32OfZeros, type Extent, join, slice } from '../../bench/sink/extents.ts';

const extent = (text: string): Extent => ({ size: text.length, crc32: crc32(text) });
const PARTS = [extent('one'), extent(' two '), extent('three')];

test.each([0, 1, 2, 3, 1000, 65_537, 3_000_001])(
  'the CRC32 of %i zeros is that of so many zeros',
  (bytes) => {
    expect(crc32OfZeros(bytes)).toBe(crc32(Buffer.alloc(bytes)));
  },
);

test('the CRC32 of more zeros than fit into memory or into 32 bits is found at once', () => {
  const half = { size: 150 * 2 ** 30, crc32: crc32OfZeros(150 * 2 ** 30) };
  expect(join([half, half])).toEqual({ size: 300 * 2 ** 30, crc32: crc32OfZeros(300 * 2 ** 30) });
});

describe('extents', () => {
  test('are joined with the CRC32 of the whole', () => {
    expect(join(PARTS)).toEqual(extent('one two three'));
  });

  test('none are nothing, whose CRC32 is 0', () => {
    expect(join([])).toEqual({ size: 0, crc32: 0 });
  });

  test('one without a CRC32 leaves the whole without', () => {
    expect(join([...PARTS, { size: 5, crc32: undefined }])).toEqual({ size: 18, crc32: undefined });
  });

  test('a range of whole ones has its CRC32', () => {
    expect(slice(PARTS, 0, 13)).toEqual(extent('one two three'));
    expect(slice(PARTS, 3, 13)).toEqual(extent(' two three'));
  });

  test('a range that cuts one has none', () => {
    expect(slice(PARTS, 3, 12)).toEqual({ size: 9, crc32: undefined });
    expect(slice(PARTS, 1, 2)).toEqual({ size: 1, crc32: undefined });
  });
});
