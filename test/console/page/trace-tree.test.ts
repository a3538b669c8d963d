import { describe, expect, test } from 'vitest';
import { findCause, toTraceTree } from '../../../src/console/page/trace-tree.ts';
import type { RecordedSpan } from '../../../src/contract/activity.ts';
import { aSpan } from '../../support/scripted-source.ts';

const root = (span: Partial<RecordedSpan> = {}) =>
  aSpan({ spanId: 'root', name: 'sluice.upload', parentSpanId: undefined, startMs: 0, endMs: 100, ...span });

const show = (spans: readonly RecordedSpan[], unfolded = new Set<string>()) =>
  toTraceTree({ spans, leftOut: 0 }, 200, unfolded).rows.map((row) =>
    row.kind === 'span' ? `${row.level} ${row.key}` : `${row.level} … ${row.count} ${row.name}`,
  );

const parts = (count: number) =>
  Array.from({ length: count }, (_, n) => aSpan({ spanId: `p${n}`, startMs: n, endMs: n + 1 }));

describe('the lines of a trace', () => {
  test('are parents before their children, these as they began', () => {
    const spans = [
      aSpan({ spanId: 'b', startMs: 50 }),
      aSpan({ spanId: 'a1', parentSpanId: 'a', startMs: 11 }),
      aSpan({ spanId: 'a', startMs: 10 }),
      root(),
    ];
    expect(show(spans)).toEqual(['1 root', '2 a', '3 a1', '2 b']);
  });

  test('have shares of the whole', () => {
    const { rows, totalMs } = toTraceTree(
      { spans: [root(), aSpan({ spanId: 'a', startMs: 25, endMs: 75 })], leftOut: 0 },
      200,
    );
    expect(totalMs).toBe(100);
    expect(rows[1]).toMatchObject({ from: 0.25, to: 0.75, startsAfterMs: 25, lastsMs: 50 });
  });

  test('of what goes on reach to this moment', () => {
    const { rows, totalMs } = toTraceTree(
      {
        spans: [root({ endMs: undefined }), aSpan({ spanId: 'a', startMs: 100, endMs: undefined })],
        leftOut: 0,
      },
      200,
    );
    expect(totalMs).toBe(200);
    expect(rows[1]).toMatchObject({ from: 0.5, to: 1, lastsMs: 100 });
  });

  test('whose parents were not kept stand below the root', () => {
    expect(show([root(), aSpan({ spanId: 'a', parentSpanId: 'lost' })])).toEqual(['1 root', '2 a']);
  });

  test('that are many of one name are folded, but for the first and the last', () => {
    expect(show([root(), ...parts(7)])).toHaveLength(8);
    expect(show([root(), ...parts(30)])).toEqual([
      '1 root',
      '2 p0',
      '2 p1',
      '2 p2',
      '2 p3',
      '2 p4',
      '2 … 24 backend.write_chunk',
      '2 p29',
    ]);
  });

  test('that were folded are shown when somebody asks', () => {
    expect(show([root(), ...parts(30)], new Set(['fold p0']))).toHaveLength(31);
  });

  test('tell of a fold how many in it failed', () => {
    const spans = [root(), ...parts(30).map((span, n) => (n === 12 ? { ...span, error: 'no' } : span))];
    const fold = toTraceTree({ spans, leftOut: 0 }, 200).rows.find(({ kind }) => kind === 'fold');
    expect(fold).toMatchObject({ count: 24, failed: 1 });
  });

  test('of nothing are none', () => {
    expect(toTraceTree({ spans: [], leftOut: 0 }, 0)).toEqual({ rows: [], totalMs: 0 });
  });

  test('that point at each other in a circle end all the same', () => {
    const spans = [
      root(),
      aSpan({ spanId: 'a', parentSpanId: 'b' }),
      aSpan({ spanId: 'b', parentSpanId: 'a' }),
    ];
    expect(show(spans)).toEqual(['1 root']);
  });
});

describe('the cause of a failure', () => {
  test('is what failed deepest, and of these what came first', () => {
    const tree = toTraceTree(
      {
        spans: [
          root({ error: 'outer' }),
          aSpan({ spanId: 'late', startMs: 60, error: 'late' }),
          aSpan({ spanId: 'early', startMs: 50, error: 'early' }),
        ],
        leftOut: 0,
      },
      200,
    );
    expect(findCause(tree)?.span.error).toBe('early');
  });

  test('is nowhere where nothing failed', () => {
    expect(findCause(toTraceTree({ spans: [root()], leftOut: 0 }, 200))).toBeUndefined();
  });
});
