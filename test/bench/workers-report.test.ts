import { expect, test } from 'vitest';
import { workersTable } from '../../bench/reports/workers.ts';
import type { WorkersRun } from '../../bench/scenarios/workers.ts';
import { KiB, MiB } from '../../bench/sizes.ts';

test('workers are compared by their rate with the first number of them', () => {
  const run = (wallSeconds: number, faults: string[] = []): WorkersRun => ({
    ...{ quotaBy: 'cgroup v2', wallSeconds, serverCpuSeconds: 5, clientCpuSeconds: 4 },
    ...{ sinkCpuSeconds: undefined, faults },
  });
  const series = [
    { workers: 1, runs: [run(20), run(10)] },
    { workers: 2, runs: [run(8, ['file-1.bin: no object'])] },
  ];
  const work = { clients: 10, size: 128 * MiB, writeBytes: 32 * KiB, cpuShare: 0.35 };
  const lines = workersTable({ ...work, series }).split('\n');
  expect(lines.slice(2)).toEqual([
    '| 1 | 96 (64 to 128) | 1.00 | 4.00 (4.00 to 4.00) | 0.38 (0.25 to 0.50) | 0.30 (0.20 to 0.40) | - |',
    '| 2 | 160 (160 to 160) | 1.67 | 4.00 (4.00 to 4.00) | 0.63 (0.63 to 0.63) | 0.50 (0.50 to 0.50) | - |',
    '',
    'Each worker has 0.35 of a processor, by cgroup v2.',
    'file-1.bin: no object',
  ]);
});
