import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileReader } from '../../src/sftp/file-reader.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** A reader of `content`, and the ranges it fetched. */
function readerOf(content: Buffer) {
  const fetched: { offset: number; length: number }[] = [];
  const reader = new FileReader(content.length, async (offset, length) => {
    fetched.push({ offset, length });
    return content.subarray(offset, offset + length);
  });
  return { reader, fetched };
}

/** Bytes of which no two neighbourhoods are alike. */
function patterned(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
}

describe('FileReader', () => {
  test('any reads give what the file holds there, whole unless the file ends', async () => {
    const content = patterned(300 * KiB);
    const one = fc.record({ offset: fc.nat({ max: 310 * KiB }), length: fc.nat({ max: 200 * KiB }) });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 12 }), async (reads) => {
        const { reader, fetched } = readerOf(content);
        for (const { offset, length } of reads) {
          const bytes = Buffer.from(await reader.read(offset, length));
          expect(bytes.equals(content.subarray(offset, offset + length))).toBe(true);
        }
        for (const { offset, length } of fetched) {
          expect(length).toBeGreaterThan(0);
          expect(offset + length).toBeLessThanOrEqual(content.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('sequential small reads are few fetches that double up to 4 MiB, each byte fetched once', async () => {
    const content = patterned(13 * MiB);
    const { reader, fetched } = readerOf(content);
    for (let at = 0; at < content.length; at += 32 * KiB) await reader.read(at, 32 * KiB);
    expect(fetched.map(({ length }) => length / KiB)).toEqual([256, 512, 1024, 2048, 4096, 4096, 1280]);
    expect(fetched.map(({ offset }) => offset / KiB)).toEqual([0, 256, 768, 1792, 3840, 7936, 12_032]);
  });

  test('a read elsewhere starts small again', async () => {
    const { reader, fetched } = readerOf(patterned(4 * MiB));
    for (let at = 0; at < MiB; at += 256 * KiB) await reader.read(at, 256 * KiB);
    fetched.length = 0;
    await reader.read(3 * MiB, 10);
    await reader.read(3 * MiB + 64 * KiB, 10);
    expect(fetched).toEqual([
      { offset: 3 * MiB, length: 64 * KiB },
      { offset: 3 * MiB + 64 * KiB, length: 128 * KiB },
    ]);
  });

  test('a read that is longer than the next fetch is one fetch', async () => {
    const { reader, fetched } = readerOf(patterned(2 * MiB));
    await reader.read(MiB, 255 * KiB);
    expect(fetched).toEqual([{ offset: MiB, length: 255 * KiB }]);
  });

  test('a read across the end of what is held fetches only what is missing', async () => {
    const content = patterned(MiB);
    const { reader, fetched } = readerOf(content);
    await reader.read(0, 10);
    const bytes = await reader.read(256 * KiB - 5, 10);
    expect(Buffer.from(bytes).equals(content.subarray(256 * KiB - 5, 256 * KiB + 5))).toBe(true);
    expect(fetched.map(({ offset }) => offset)).toEqual([0, 256 * KiB]);
  });

  test('knows what it can give without a fetch', async () => {
    const { reader, fetched } = readerOf(patterned(MiB));
    expect(reader.holds(0, 1)).toBe(false);
    await reader.read(0, 1);
    expect(reader.holds(0, 256 * KiB)).toBe(true);
    expect(reader.holds(0, 256 * KiB + 1)).toBe(false);
    expect(reader.holds(MiB, 100)).toBe(true);
    expect(reader.holds(MiB + 5, 100)).toBe(true);
    await reader.read(MiB, 100);
    await reader.read(200 * KiB, 50);
    expect(fetched).toHaveLength(1);
  });

  test('there is nothing at or past the end, and nothing is fetched for it', async () => {
    const { reader, fetched } = readerOf(patterned(100));
    for (const offset of [100, 101, Number.MAX_SAFE_INTEGER])
      expect(await reader.read(offset, 10)).toHaveLength(0);
    const empty = readerOf(Buffer.alloc(0));
    expect(await empty.reader.read(0, 10)).toHaveLength(0);
    expect([...fetched, ...empty.fetched]).toEqual([]);
  });

  test('a store that gives fewer bytes than there should be makes a short read, not an endless one', async () => {
    const reader = new FileReader(1000, async (offset, length) =>
      Buffer.alloc(Math.max(0, Math.min(length, 300 - offset)), 1),
    );
    expect(await reader.read(0, 1000)).toHaveLength(300);
    expect(await reader.read(500, 10)).toHaveLength(0);
  });

  test('a fetch that fails spoils nothing: the same read works later', async () => {
    const content = patterned(200 * KiB);
    let failing = true;
    const reader = new FileReader(content.length, async (offset, length) => {
      if (failing) throw new Error('no');
      return content.subarray(offset, offset + length);
    });
    await expect(reader.read(100, 10)).rejects.toThrow('no');
    failing = false;
    expect(Buffer.from(await reader.read(100, 10)).equals(content.subarray(100, 110))).toBe(true);
  });
});
