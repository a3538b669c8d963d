import { expect, test } from 'vitest';
import { smallTaskTable } from '../../bench/reports/small-task.ts';
import { startupTable } from '../../bench/reports/startup.ts';
import type { SmallTaskRun } from '../../bench/scenarios/small-task.ts';
import { KiB, MiB } from '../../bench/sizes.ts';

const START = { wallSeconds: 1.5, serverCpuSeconds: 1.25, idleRssBytes: 96 * MiB, usedRssBytes: 100 * MiB };

test('starts have the median with the least and the most, and who was left out', () => {
  const later = { ...START, wallSeconds: 2, serverCpuSeconds: undefined };
  const series = [{ target: 'sluice-traces', runs: [START, later] }];
  const skipped = [{ target: 'sftpgo', reason: 'it is not installed' }];
  const lines = startupTable({ idleSeconds: 3, cpuShare: 1, env: {}, series, skipped }).split('\n');
  expect(lines.slice(2)).toEqual([
    '| sluice-traces | 1.75 (1.50 to 2.00) | 1.25 (1.25 to 1.25) | 96 (96 to 96) | 100 (100 to 100) |',
    '',
    'Skipped: sftpgo: it is not installed',
  ]);
});

const summary = (median: number, max: number) => ({ median, min: 1, max });

test('a light load has its rates, the longest checks and what was wrong', () => {
  const run: SmallTaskRun = {
    quotaBy: 'cgroup v2',
    startSeconds: 5,
    startCpuSeconds: 1.25,
    loginMs: summary(300, 400),
    smallSeconds: 10,
    fileMs: summary(20, 900),
    largeSeconds: 8,
    peakRssBytes: 150 * MiB,
    readyMs: summary(10, 500),
    containerCheckMs: summary(20, 140),
    faults: ['/readyz: 503'],
  };
  const load = { partners: 5, files: 20, size: 64 * KiB, largeSize: 64 * MiB, latencyMs: 0, env: {} };
  const work = { cpuShare: 0.25, memoryMiB: 512, budgetMiB: 128, ...load };
  const lines = smallTaskTable({ ...work, runs: [run] }).split('\n');
  expect(lines).toContain('| Login ms, median of 6 at once | 300 (300 to 300) |');
  expect(lines).toContain('| Small files per s | 10.0 (10.0 to 10.0) |');
  expect(lines).toContain('| MiB per s of the large file | 8.0 (8.0 to 8.0) |');
  expect(lines).toContain('| Check of the container ms, longest | 140 (140 to 140) |');
  expect(lines.slice(-2)).toEqual(['The processor is shared out by cgroup v2.', '/readyz: 503']);
});
