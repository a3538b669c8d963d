import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PartBuffer } from '../../../src/backends/s3/part-buffer.ts';
import { PartPlan, tiersFor } from '../../../src/backends/s3/part-plan.ts';
import { MemoryBudget } from '../../../src/buffers/budget.ts';
import { BufferPool } from '../../../src/buffers/buffer-pool.ts';

const KiB = 1024;
const CAPACITY = 5 * KiB * KiB;

/** Bytes of the part that the tests write to; the rest of its 5 MiB stays empty. */
const WINDOW = 200 * KiB;

/** A pool whose buffers are full of what others left behind. */
class DirtyPool extends BufferPool {
  readonly given: number[] = [];

  override take(bytes: number): Buffer {
    return super.take(bytes).fill(0xee);
  }

  override give(buffer: Buffer): void {
    this.given.push(buffer.length);
    super.give(buffer);
  }
}

const plan = new PartPlan(tiersFor(256 * KiB * KiB));
const createPool = () => new DirtyPool(new MemoryBudget(64 * KiB * KiB));

/** A part that may hold all of its bytes. */
function create(index = 0): PartBuffer {
  const [unit, pool] = [plan.unit(index), createPool()];
  return new PartBuffer(unit, pool, pool.take(unit.end - unit.start));
}

type Step =
  | { readonly do: 'write'; readonly at: number; readonly length: number; readonly byte: number }
  | { readonly do: 'truncate'; readonly at: number }
  | { readonly do: 'seal'; readonly at: number };

const position = fc.nat({ max: WINDOW });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      at: position,
      length: fc.nat({ max: 90 * KiB }),
      byte: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate' as const), at: position }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('seal' as const), at: position }) },
);

/** Zeros every hole, as an upload does, then compares bytes and checksum. */
function assertSealed(part: PartBuffer, expected: Buffer, size: number): void {
  const { start } = part.unit;
  for (const hole of part.holes(start + size)) part.zero(hole);
  expect(part.holes(start + size)).toEqual([]);
  const { body, crc } = part.seal(start + size);
  expect(body.length).toBe(size);
  expect(body.equals(expected.subarray(0, size))).toBe(true);
  expect(crc).toBe(crc32(body));
}

describe('PartBuffer', () => {
  test.each([0, 1, 20])(
    'part %d holds what a plain buffer does after any writes, cuts and seals',
    (index) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
          const part = create(index);
          const { start } = part.unit;
          const plain = Buffer.alloc(400 * KiB);
          let size = 0;
          for (const next of steps) {
            if (next.do === 'write') {
              const bytes = Buffer.alloc(next.length, next.byte);
              expect(part.write(start + next.at, bytes)).toBe(next.length);
              bytes.copy(plain, next.at);
              if (next.length > 0) size = Math.max(size, next.at + next.length);
            } else if (next.do === 'truncate') {
              part.truncate(start + next.at);
              plain.fill(0, next.at);
              size = Math.min(size, next.at);
            } else assertSealed(part, plain, Math.max(size, next.at));
          }
          assertSealed(part, plain, size);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('small sequential writes give the checksum of all of them', () => {
    const part = create();
    const content = Buffer.from(Array.from({ length: 300 * KiB }, (_, index) => (index * 7) % 253));
    for (let at = 0; at < content.length; at += 1000) part.write(at, content.subarray(at, at + 1000));
    assertSealed(part, content, content.length);
  });

  test.each([
    ['in front of what was written', [100, 0]],
    ['over the beginning again', [0, 100, 0]],
    ['over the middle', [0, 100, 200, 50]],
    ['over the very last bytes', [0, 100, 100]],
    ['in reverse', [300, 200, 100, 0]],
  ])('the checksum is right after a write %s', (_, offsets) => {
    const part = create();
    const plain = Buffer.alloc(400);
    for (const [turn, at] of offsets.entries()) {
      const bytes = Buffer.alloc(100, turn + 1);
      part.write(at, bytes);
      bytes.copy(plain, at);
    }
    assertSealed(part, plain, Math.max(...offsets) + 100);
  });

  test('takes only what falls into it, and says how much', () => {
    const part = create();
    expect(part.write(CAPACITY - 3, Buffer.from('abcdef'))).toBe(3);
    expect(part.holes(CAPACITY)).toEqual([{ start: 0, end: CAPACITY - 3 }]);
    const second = create(1);
    expect(second.write(CAPACITY, Buffer.from('abc'))).toBe(3);
    expect(second.holes(CAPACITY + 10)).toEqual([{ start: CAPACITY + 3, end: CAPACITY + 10 }]);
  });

  test('keeps a copy: the caller may use its bytes again', () => {
    const part = create();
    const bytes = Buffer.from('abc');
    part.write(0, bytes);
    bytes.fill(0);
    expect(part.seal(3).body.toString()).toBe('abc');
  });

  test('is full when every byte was written, in whatever order, and not before', () => {
    const part = create();
    part.write(1, Buffer.alloc(CAPACITY - 1, 1));
    expect(part.isFull).toBe(false);
    part.write(0, Buffer.of(1));
    expect(part.isFull).toBe(true);
    part.truncate(CAPACITY - 1);
    expect(part.isFull).toBe(false);
  });

  test('holds no more than its buffer before it is enlarged', () => {
    const pool = createPool();
    const part = new PartBuffer(plan.unit(0), pool, pool.take(64 * KiB));
    expect(part.write(64 * KiB - 3, Buffer.from('abcdef'))).toBe(3);
    expect(part.write(64 * KiB, Buffer.from('def'))).toBe(0);
    expect(part.write(CAPACITY - 1, Buffer.from('x'))).toBe(0);
    expect(part.holes(100 * KiB)).toEqual([
      { start: 0, end: 64 * KiB - 3 },
      { start: 64 * KiB, end: 100 * KiB },
    ]);
    part.enlarge(pool.take(CAPACITY));
    expect(pool.given).toEqual([64 * KiB]);
    expect(part.write(64 * KiB, Buffer.from('def'))).toBe(3);
    part.zero({ start: 0, end: 64 * KiB - 3 });
    const { body, crc } = part.seal(64 * KiB + 3);
    expect(body.subarray(-6).toString()).toBe('abcdef');
    expect(crc).toBe(crc32(body));
  });

  test('gives its memory back once, however often it is disposed of', () => {
    const pool = createPool();
    const part = new PartBuffer(plan.unit(0), pool, pool.take(CAPACITY));
    part.dispose();
    part.dispose();
    expect(pool.given).toEqual([CAPACITY]);
  });

  test('knows when bytes that were there are replaced', () => {
    const part = create();
    part.write(0, Buffer.alloc(10));
    part.write(10, Buffer.alloc(10));
    expect(part.wasRewritten).toBe(false);
    part.write(19, Buffer.alloc(2));
    expect(part.wasRewritten).toBe(true);
  });

  test('says which bytes are missing up to the size of the object, as its offsets', () => {
    const part = create(1);
    const { start } = part.unit;
    part.write(start + 10, Buffer.alloc(10));
    part.write(start + 30, Buffer.alloc(10));
    expect(part.holes(start + 35)).toEqual([
      { start, end: start + 10 },
      { start: start + 20, end: start + 30 },
    ]);
    expect(part.holes(start + 50).at(-1)).toEqual({ start: start + 40, end: start + 50 });
    part.truncate(0);
    expect(part.holes(start + 15)).toEqual([{ start, end: start + 15 }]);
  });
});
