import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { combineCrc32, crc32, toBase64 } from '../../../src/backends/s3/checksum.ts';

test('crc32 is that of zlib, from the start and going on', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat({ max: 0xffff_ffff }), (bytes, initial) => {
      expect(crc32(Buffer.from(bytes))).toBe(zlib.crc32(bytes));
      expect(crc32(Buffer.from(bytes), initial)).toBe(zlib.crc32(bytes, initial));
    }),
  );
});

describe('combineCrc32', () => {
  test('is the CRC32 of both runs of bytes joined', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }), (a, b) => {
        expect(combineCrc32(zlib.crc32(a), zlib.crc32(b), b.length)).toBe(zlib.crc32(Buffer.concat([a, b])));
      }),
      { numRuns: 300 },
    );
  });

  test('folds any number of parts, empty ones too, from nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (parts) => {
        const combined = parts.reduce((sum, part) => combineCrc32(sum, zlib.crc32(part), part.length), 0);
        expect(combined).toBe(zlib.crc32(Buffer.concat(parts)));
      }),
    );
  });

  test('is right for lengths past 2^32, which no buffer has', () => {
    const start = zlib.crc32('123456789');
    // 2^30 zeros, by doubling; then 64 of these one after the other against all of them at once.
    let [block, blockLength] = [zlib.crc32(Buffer.alloc(1)), 1];
    while (blockLength < 2 ** 30) {
      block = combineCrc32(block, block, blockLength);
      blockLength *= 2;
    }
    const joined = (first: number) =>
      Array.from({ length: 64 }).reduce<number>((sum) => combineCrc32(sum, block, blockLength), first);
    const zeros = joined(0);
    expect(zeros).not.toBe(0);
    expect(combineCrc32(start, zeros, 64 * blockLength)).toBe(joined(start));
    expect(combineCrc32(start, zeros, 64 * blockLength)).not.toBe((start ^ zeros) >>> 0);
  });

  test('is no negative number', () => {
    expect(combineCrc32(0xffff_ffff, 0x8000_0000, 0)).toBe(0x7fff_ffff);
    expect(combineCrc32(0, 0xffff_ffff, 5)).toBe(0xffff_ffff);
  });
});

test('a CRC32 is written as S3 writes it: big-endian, in base64', () => {
  expect(toBase64(0xcbf4_3926)).toBe('y/Q5Jg==');
  expect(toBase64(zlib.crc32('123456789'))).toBe('y/Q5Jg==');
  expect(toBase64(0)).toBe('AAAAAA==');
  expect(toBase64(-1)).toBe('/////w==');
});
