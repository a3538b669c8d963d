import { expect, test } from 'vitest';
import type { Figures } from '../../bench/measure/meter.ts';
import { type TransferReport, transferTable } from '../../bench/reports/transfer.ts';
import { MiB } from '../../bench/sizes.ts';
import { MACHINE } from './machine.ts';

const figures = (wallSeconds: number, cpu: number | undefined): Figures => ({
  wallSeconds,
  serverCpuSeconds: cpu,
  serverPeakRssBytes: cpu === undefined ? undefined : 100 * MiB,
  clientCpuSeconds: cpu,
  sinkCpuSeconds: cpu,
});

const REPORT: TransferReport = {
  scenario: 'upload',
  date: '2025-01-01T00:00:00.000Z',
  commandLine: 'npm run bench -- upload',
  note: undefined,
  bytes: 512 * MiB,
  latencyMs: 0,
  roundTripMs: 0,
  machine: MACHINE,
  series: [
    { target: 'sluice', cipher: 'default', runs: [figures(3, 1), figures(2, 1.5), figures(9, 0.5)] },
    { target: 'sshd', cipher: 'default', runs: [figures(2, 0.5)] },
    { target: 'sshd', cipher: 'aes128-ctr', runs: [figures(100, 100)] },
  ],
  skipped: [{ target: 'other', reason: 'it is not installed: install it' }],
};

const rows = (report: TransferReport) => transferTable(report).split('\n');

test('a row has median, least and most, CPU by GiB, and the ratio to sshd with the same cipher', () => {
  expect(rows(REPORT)[2]).toBe(
    '| sluice | default | 3.00 (2.00 to 9.00) | 2.00 (1.00 to 3.00) | 100 (100 to 100) | 1.50 | 2.00 | 1.00 | 1.00 |',
  );
});

test('what was skipped is named with the reason', () => {
  expect(rows(REPORT).at(-1)).toBe('Skipped: other: it is not installed: install it');
});

test('without sshd there are no ratios, without /proc no CPU time and no memory', () => {
  const series = [{ target: 'sluice', cipher: 'default', runs: [figures(3, undefined)] }];
  expect(rows({ ...REPORT, series })[2]).toBe(
    '| sluice | default | 3.00 (3.00 to 3.00) | - | - | - | - | - | - |',
  );
});
