import { expect, test } from 'vitest';
import type { FiguresWithRequests } from '../../bench/measure/meter.ts';
import { type TransferReport, transferTable } from '../../bench/reports/transfer.ts';
import { MiB } from '../../bench/sizes.ts';
import { MACHINE } from './machine.ts';

const figures = (wallSeconds: number, cpu: number | undefined): FiguresWithRequests => ({
  wallSeconds,
  serverCpuSeconds: cpu,
  serverPeakRssBytes: cpu === undefined ? undefined : 100 * MiB,
  clientCpuSeconds: cpu,
  sinkCpuSeconds: cpu,
  requests: cpu === 0.5 ? { GetObject: 17, SQS: 1 } : {},
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

test('what the last run of a server asked of S3 stands below, if it did', () => {
  expect(rows(REPORT).slice(5, 10)).toEqual([
    '',
    'Requests to S3 and SQS:',
    '',
    '- sluice, default: GetObject 17, SQS 1',
    '- sshd, default: GetObject 17, SQS 1',
  ]);
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
