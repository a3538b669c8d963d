import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Contents, type Piece } from '../../../src/backends/s3/contents.ts';

const SIZE = 40;

/** Where each byte of a file comes from; zeros where there is no such place. */
type Origins = (string | undefined)[];

interface Step {
  readonly range: { readonly start: number; readonly end: number };
  readonly key: string | null;
  readonly offset: number;
}

const position = fc.nat(SIZE);
const range = fc.tuple(position, position).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
const steps = fc.array(
  fc.record({ range, key: fc.option(fc.constantFrom('a', 'b', 'c')), offset: fc.nat(9) }),
  {
    maxLength: 12,
  },
);

function play(list: readonly Step[]) {
  const contents = new Contents();
  const origins: Origins = Array.from({ length: SIZE }, () => undefined);
  for (const { range, key, offset } of list) {
    if (key === null) contents.remove(range);
    else contents.put(range, { key, etag: `etag of ${key}`, offset });
    for (let at = range.start; at < range.end; at++) {
      origins[at] = key === null ? undefined : `${key}+${offset + at - range.start}`;
    }
  }
  return { contents, origins };
}

function toOrigins(pieces: readonly Piece[]): Origins {
  return pieces.flatMap(({ start, end, source }) =>
    Array.from({ length: end - start }, (_, index) => source && `${source.key}+${source.offset + index}`),
  );
}

describe('Contents', () => {
  test('knows of every byte which object has it, as a plain array would', () => {
    fc.assert(
      fc.property(steps, range, (list, asked) => {
        const { contents, origins } = play(list);
        expect(toOrigins(contents.pieces({ start: 0, end: SIZE }))).toEqual(origins);
        expect(toOrigins(contents.pieces(asked))).toEqual(origins.slice(asked.start, asked.end));
      }),
      { numRuns: 2000 },
    );
  });

  test('gives pieces in order, none of them empty, without a gap, never two of zeros side by side', () => {
    fc.assert(
      fc.property(steps, range, (list, asked) => {
        const pieces = play(list).contents.pieces(asked);
        let at = asked.start;
        for (const [index, { start, end, source }] of pieces.entries()) {
          expect(start).toBe(at);
          expect(end).toBeGreaterThan(start);
          if (source === undefined && index > 0) expect(pieces[index - 1]?.source).toBeDefined();
          at = end;
        }
        expect(at).toBe(asked.end);
      }),
    );
  });

  test('its extents are the bytes that some object has', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { contents, origins } = play(list);
        const covered = Array.from({ length: SIZE }, () => false);
        for (const { start, end } of contents.extents) covered.fill(true, start, end);
        expect(covered).toEqual(origins.map((origin) => origin !== undefined));
      }),
    );
  });

  test('keeps the etag with each piece of an object', () => {
    const contents = new Contents();
    contents.put({ start: 0, end: 10 }, { key: 'a', etag: 'one', offset: 5 });
    contents.put({ start: 4, end: 6 }, { key: 'a', etag: 'two', offset: 0 });
    expect(contents.pieces({ start: 2, end: 12 })).toEqual([
      { start: 2, end: 4, source: { key: 'a', etag: 'one', offset: 7 } },
      { start: 4, end: 6, source: { key: 'a', etag: 'two', offset: 0 } },
      { start: 6, end: 10, source: { key: 'a', etag: 'one', offset: 11 } },
      { start: 10, end: 12, source: undefined },
    ]);
  });
});
