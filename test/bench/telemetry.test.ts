import { afterEach, expect, test } from 'vitest';
import { Cleanup } from '../../bench/cleanup.ts';
import { telemetryTable } from '../../bench/reports/telemetry.ts';
import { telemetryProfile } from '../../bench/reports/telemetry-profile.ts';
import { measureTelemetry, type TelemetryRun } from '../../bench/scenarios/telemetry.ts';
import { KiB, MiB } from '../../bench/sizes.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

test('a small measurement is complete: every file is right, every span arrives', async () => {
  const said: string[] = [];
  const results = await measureTelemetry(
    {
      ...{ size: 1 * MiB, files: 8, fileSize: 4 * KiB, runs: 1 },
      ...{ receivers: ['discard'], control: false, settleMs: 800 },
      say: (line) => said.push(line),
    },
    cleanup,
  );
  expect(results.map(({ work, faults }) => ({ work, faults }))).toEqual([
    { work: 'upload', faults: [] },
    { work: 'small', faults: [] },
  ]);
  for (const { series } of results) {
    expect(series.map(({ variant }) => variant)).toEqual(['off', 'discard']);
    for (const { runs } of series) expect(runs).toMatchObject([{ wallSeconds: expect.any(Number) }]);
  }
  const [upload, small] = results.map(({ series }) => series.map(({ received }) => received?.spans));
  // Twice, to warm up first. The real client asks for the folder too.
  expect(upload?.[1]).toBeGreaterThanOrEqual(2 * 8);
  // What the server does on its own, as a sweep of the outbox, may add one or two.
  expect(small?.[0]).toBeUndefined();
  expect(small?.[1]).toBeGreaterThanOrEqual(2 * 8 * 8);
  expect(small?.[1]).toBeLessThan(2 * 8 * 8 + 8);
  expect(results[1]?.expectedSpans).toBe(2 * 8 * 8);
  expect(said.filter((line) => line.startsWith('run 1 of 1'))).toHaveLength(4);
}, 120_000);

const run = (wallSeconds: number, cpuSeconds: number): TelemetryRun => ({
  ...{ wallSeconds, cpuSeconds },
  ...{ peakRssBytes: 150 * MiB, spans: undefined },
});

const WORK = { size: 64 * MiB, files: 10, fileSize: 4 * KiB };

test('a row has the ratio to the run without telemetry of the same round, and what became of the spans', () => {
  const received = { spans: 197, traceExports: 9, metricExports: 6 };
  const series = [
    { variant: 'off', runs: [run(1, 1), run(2, 4), run(1, 2)], received: undefined },
    { variant: 'discard', runs: [run(1.1, 1.1), run(2, 4.2), run(1, 2.6)], received },
  ] as const;
  const results = [{ work: 'small', series, expectedSpans: 200, faults: ['0-1-2.bin: no object'] }] as const;
  expect(
    telemetryTable({ ...WORK, results })
      .split('\n')
      .slice(2),
  ).toEqual([
    '| 10 x 4 KiB | off | 1.00 (1.00 to 2.00) | 2.00 (1.00 to 4.00) | - | - | 150 (150 to 150) | - | - | - |',
    '| 10 x 4 KiB | discard | 1.10 (1.00 to 2.00) | 2.60 (1.10 to 4.20) | 1.000 (1.000 to 1.100) ' +
      '| 1.100 (1.050 to 1.300) | 150 (150 to 150) | 197 of 200 | 3 | 6 |',
    '',
    '0-1-2.bin: no object',
  ]);
});

test('without /proc there is no CPU time, and of a large file nobody knows how many spans to expect', () => {
  const bare = { ...run(2, 1), cpuSeconds: undefined, peakRssBytes: undefined };
  const received = { spans: 9, traceExports: 1, metricExports: 2 };
  const series = [
    { variant: 'off', runs: [bare], received: undefined },
    { variant: 'slow', runs: [bare], received },
  ] as const;
  const results = [{ work: 'upload', series, expectedSpans: undefined, faults: [] }] as const;
  expect(telemetryTable({ ...WORK, results }).split('\n')[3]).toBe(
    '| 64 MiB | slow | 2.00 (2.00 to 2.00) | - | 1.000 (1.000 to 1.000) | - | - | 9 | - | 2 |',
  );
});

test('a profile tells telemetry by what it is for, what that calls included, and what differs most first', () => {
  const node = (id: number, functionName: string, url = '', children: number[] = []) => ({
    id,
    callFrame: { functionName, url, lineNumber: 1 },
    children,
  });
  const nodes = [
    node(1, 'upload', 'file:///home/someone/dist/backends/s3/upload.js', [2, 4]),
    node(2, 'serializeSpan', 'file:///x/node_modules/@opentelemetry/otlp-transformer/build/a.js', [3]),
    node(3, 'writeUtf8'),
    node(4, 'promiseInitHook', 'node:internal/async_hooks'),
  ];
  const profile = (...samples: readonly (readonly [number, number])[]) => ({
    nodes,
    startTime: 0,
    samples: samples.map(([id]) => id),
    timeDeltas: samples.map(([, microseconds]) => microseconds),
  });
  const within = { from: 0, to: 10_000 };
  const profiles = [
    { variant: 'off', profile: profile([1, 1000]), within },
    { variant: 'discard', profile: profile([1, 1010], [2, 30], [3, 20], [4, 300]), within },
  ] as const;
  expect(telemetryProfile(profiles, 10).split('\n').slice(2)).toEqual([
    '| all | 100 | 136 | 36 |',
    '| contexts that follow promises | 0 | 30 | 30 |',
    '| serialisation | 0 | 5 | 5 |',
    '| dist | 100 | 101 | 1 |',
  ]);
});
