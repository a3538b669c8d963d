import { expect, test } from 'vitest';
import { concurrentTable } from '../../bench/reports/concurrent.ts';
import { hugeTable } from '../../bench/reports/huge.ts';
import { listingTable } from '../../bench/reports/listing.ts';
import { loginsTable } from '../../bench/reports/logins.ts';
import { manyTable } from '../../bench/reports/many.ts';
import { smallTable } from '../../bench/reports/small.ts';
import type { ConcurrentRun } from '../../bench/scenarios/concurrent.ts';
import { GiB, MiB } from '../../bench/sizes.ts';

const CONCURRENT_RUN: ConcurrentRun = {
  bytesPerSecond: 256 * 1024,
  rss: { afterStart: 100 * MiB, afterLogins: 150 * MiB, peakOfLogins: 160 * MiB, peak: 390 * MiB },
  loginSeconds: 5,
  wallSeconds: 40,
  firstFinishedSeconds: 32,
  lastFinishedSeconds: 39.94,
  serverCpuSeconds: 16,
  clientCpuSeconds: 10,
  sinkCpuSeconds: 4,
  finished: 1000,
  failures: [],
  faults: [],
  samples: [],
};

const CONCURRENT = { clients: 1024, size: 8 * MiB, writeBytes: 1, budgetMiB: 128, latencyMs: 0, env: {} };

test('a run of many clients has the memory before, on the way and at most', () => {
  expect(concurrentTable({ ...CONCURRENT, runs: [CONCURRENT_RUN] }).split('\n')[2]).toBe(
    '| 256 KiB/s | 100 | 150 | 390 | 5.0 | 40.0 | 32.0 | 39.9 | 2.00 | 10.0 | 4.0 | 1000 | 24 | 0 |',
  );
});

test('failures stand below the table by message, and the first faults', () => {
  const failures = [{ message: 'WRITE: status 4, no room', count: 24 }];
  const faults = Array.from({ length: 12 }, (_, at) => `file-${at}: no object`);
  const run = { ...CONCURRENT_RUN, bytesPerSecond: 'fast' as const, failures, faults };
  const lines = concurrentTable({ ...CONCURRENT, runs: [run] }).split('\n');
  expect(lines[4]).toBe('fast: 24 failed: WRITE: status 4, no room');
  expect(lines[5]).toBe('fast: file-0: no object');
  expect(lines.at(-1)).toBe('fast: 2 faults more');
});

const HUGE = {
  size: 100 * GiB,
  client: 'generated' as const,
  writeBytes: 1,
  latencyMs: 0,
  env: {},
  result: {
    wallSeconds: 200,
    serverCpuSeconds: 150,
    clientCpuSeconds: 1,
    sinkCpuSeconds: 1,
    rss: { afterStart: 100 * MiB, peak: 260 * MiB, peakOfSink: 90 * MiB },
    copiedBytes: 80 * GiB,
    failure: undefined,
    faults: [],
    samples: Array.from({ length: 201 }, (_, at) => ({
      seconds: at,
      bytes: (at * GiB) / 2,
      rssBytes: (200 + at / 4) * MiB,
    })),
  },
};

test('the memory of a huge upload is told at shares of its size', () => {
  expect(hugeTable(HUGE).split('\n').slice(2)).toEqual([
    '| 1 % | 1.00 | 2 | 201 |',
    '| 10 % | 10.00 | 20 | 205 |',
    '| 25 % | 25.00 | 50 | 213 |',
    '| 50 % | 50.00 | 100 | 225 |',
    '| 75 % | 75.00 | 150 | 238 |',
    '| 100 % | 100.00 | 200 | 250 |',
    '',
    '100 GiB in 200 s, 512 MiB/s; peak RSS 260 MiB, 100 before the upload; server CPU 1.50 s per GiB; ' +
      'copied within S3 80.00 GiB; peak RSS of the sink 90 MiB.',
    'The object has the size and the CRC32 of what was sent.',
  ]);
});

test('a huge upload that is not right says so, and what it did not reach has no figure', () => {
  const result = { ...HUGE.result, failure: 'WRITE: status 4', samples: HUGE.result.samples.slice(0, 80) };
  const lines = hugeTable({ ...HUGE, result: { ...result, faults: ['huge.bin: no object'] } }).split('\n');
  expect(lines[5]).toBe('| 50 % | - | - | - |');
  expect(lines.slice(-2)).toEqual(['The upload failed: WRITE: status 4', 'huge.bin: no object']);
});

test('a listing has time, memory and what it asked of S3', () => {
  const figures = (wallSeconds: number) => ({
    wallSeconds,
    serverCpuSeconds: 1,
    serverPeakRssBytes: 120 * MiB,
    clientCpuSeconds: 0.5,
    sinkCpuSeconds: undefined,
    requests: { HeadObject: 2, ListObjectsV2: 101 },
  });
  const series = [
    { target: 'sluice', listing: 'names', turn: 'first', runs: [figures(3), figures(2), figures(5)] },
  ] as const;
  expect(listingTable({ entries: 1, latencyMs: 0, series, skipped: [] }).split('\n')[2]).toBe(
    '| sluice | `ls -1 -f` | first | 3.00 (2.00 to 5.00) | 1.00 (1.00 to 1.00) | 120 (120 to 120) | 103 | 0.50 | - |',
  );
});

test('a run of small files has how long each took, and how many jobs went together', () => {
  const fileMs = { median: 9.5, min: 4, max: 33 };
  const counted = { jobs: 500, jobRequests: 50, faults: ['one'] };
  const runs = [{ connections: 10, wallSeconds: 2.5, fileMs, serverCpuSeconds: 3, ...counted }];
  expect(smallTable({ files: 500, size: 4096, latencyMs: 0, runs }).split('\n')[2]).toBe(
    '| 10 | 2.50 | 200 | 9.5 (4.0 to 33.0) | 6.00 | 500 | 50 | 10.0 | 1 |',
  );
});

test('a run of folders has its rate, beside sshd with as many connections, and what each file costs in requests', () => {
  const figures = (wallSeconds: number, requests: Readonly<Record<string, number>> = {}) => ({
    wallSeconds,
    serverCpuSeconds: wallSeconds,
    serverPeakRssBytes: 120 * MiB,
    clientCpuSeconds: 0.5,
    sinkCpuSeconds: undefined,
    requests,
  });
  const work = { files: 1000, size: 4096, cipher: 'default', latencyMs: 0, roundTripMs: 0 };
  const requests = { PutObject: 1000, HeadObject: 10, SQS: 100 };
  const series = [
    { target: 'sluice', connections: 10, runs: [figures(2), figures(4), figures(5, requests)] },
    { target: 'sshd', connections: 1, runs: [figures(100)] },
    { target: 'sshd', connections: 10, runs: [figures(1)] },
  ];
  const lines = manyTable({ ...work, series, skipped: [{ target: 'other', reason: 'not there' }] }).split(
    '\n',
  );
  expect(lines[2]).toBe(
    '| sluice | 10 | 250 (200 to 500) | 4.00 (2.00 to 5.00) | 4.00 (2.00 to 5.00) | 120 (120 to 120) | 0.25 | 4.00 | 0.50 | - |',
  );
  expect(lines).toContain('- sluice over 10: PutObject 1.00, HeadObject 0.01, SQS 0.10');
  expect(lines.at(-1)).toBe('Skipped: other: not there');
});

test('logins have their rate, what they cost either side, and how many cores either kept busy', () => {
  const run = (wallSeconds: number, serverCpuSeconds: number | undefined) => ({
    wallSeconds,
    serverCpuSeconds,
    clientCpuSeconds: 1,
    p50Ms: 10,
    p95Ms: 20,
  });
  const series = [
    { target: 'sluice', atOnce: 8, runs: [run(2, 1)] },
    { target: 'sshd', atOnce: 8, runs: [run(4, 4)] },
    { target: 'sshd', atOnce: 1, runs: [run(4, undefined)] },
  ];
  const lines = loginsTable({ logins: 200, warmUp: 1, drivers: 1, series, skipped: [] }).split('\n');
  expect(lines[2]).toBe(
    '| sluice | 8 | 100 (100 to 100) | 10.0 (10.0 to 10.0) | 20.0 (20.0 to 20.0) | 5.0 (5.0 to 5.0) | 2.00 | 0.25 | 0.50 | 5.00 | 0.50 |',
  );
  expect(lines[4]).toContain('| - | 1.00 | - | - | 5.00 | 0.25 |');
});
