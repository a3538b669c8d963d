import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteRange, RangeSet } from '../../src/buffers/range-set.ts';

const SIZE = 60;

type Step =
  | { readonly do: 'add'; readonly start: number; readonly end: number }
  | { readonly do: 'truncate'; readonly from: number };

const position = fc.nat({ max: SIZE });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), start: position, end: position }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate' as const), from: position }) },
);

/** The ranges of equal bits in [start, end). */
function runs(bits: readonly boolean[], wanted: boolean, start = 0, end = bits.length): ByteRange[] {
  const found: ByteRange[] = [];
  for (let at = start; at < end; at++) {
    if (bits[at] !== wanted) continue;
    const from = at;
    while (at < end && bits[at] === wanted) at++;
    found.push({ start: from, end: at });
  }
  return found;
}

/** The same steps on a set and on a plain array of what is in it. */
function play(steps: readonly Step[]) {
  const set = new RangeSet();
  const bits = Array.from({ length: SIZE }, () => false);
  for (const next of steps) {
    if (next.do === 'add') {
      set.add(next.start, next.end);
      bits.fill(true, next.start, Math.max(next.start, next.end));
    } else {
      set.truncate(next.from);
      bits.fill(false, next.from);
    }
  }
  return { set, bits };
}

describe('RangeSet', () => {
  test('holds after any steps exactly the positions that a plain array does, in as few ranges as can be', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { set, bits } = play(steps);
        expect(set.ranges).toEqual(runs(bits, true));
        expect(set.count).toBe(bits.filter(Boolean).length);
      }),
      { numRuns: 1000 },
    );
  });

  test('finds the holes of any range, and knows what it covers', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), position, position, (steps, start, end) => {
        const { set, bits } = play(steps);
        expect(set.holes(start, end)).toEqual(start < end ? runs(bits, false, start, end) : []);
        expect(set.covers(start, end)).toBe(bits.slice(start, Math.max(start, end)).every(Boolean));
      }),
      { numRuns: 1000 },
    );
  });

  test('sequential additions are one range', () => {
    const set = new RangeSet();
    for (let at = 0; at < 1000; at++) set.add(at, at + 1);
    expect(set.ranges).toEqual([{ start: 0, end: 1000 }]);
  });

  test('adding nothing changes nothing', () => {
    const set = new RangeSet();
    set.add(5, 5);
    set.add(7, 3);
    expect(set.ranges).toEqual([]);
    expect(set.covers(5, 5)).toBe(true);
    expect(set.covers(5, 6)).toBe(false);
  });

  test('positions past 2^32 are counted like any other', () => {
    const set = new RangeSet();
    set.add(2 ** 40, 2 ** 40 + 5);
    expect(set.holes(2 ** 40 - 1, 2 ** 40 + 6)).toEqual([
      { start: 2 ** 40 - 1, end: 2 ** 40 },
      { start: 2 ** 40 + 5, end: 2 ** 40 + 6 },
    ]);
  });
});
