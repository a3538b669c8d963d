import type { Heading } from '../report.ts';
import type { LoginsFigures, LoginsSeries, LoginsWork } from '../scenarios/logins.ts';
import type { Skipped } from '../targets/target.ts';
import { middle, ratio, skippedLines, spread, summaryOf, table } from './table.ts';

export interface LoginsReport extends Heading, LoginsWork {
  readonly series: readonly LoginsSeries[];
  readonly skipped: readonly Skipped[];
}

const COLUMNS = [
  'Target',
  'At once',
  'Logins per s',
  'p50 ms',
  'p95 ms',
  'Server CPU ms per login',
  'Rate / sshd',
  'CPU / sshd',
  'Server cores busy',
  'Client CPU ms per login',
  'Client cores busy',
];

/** Medians with, in parentheses, the least and the most of all runs. */
export function loginsTable({ logins, series, skipped }: Omit<LoginsReport, keyof Heading>): string {
  const rows = series.map((one) => {
    const { rate, p50, p95, serverMs, serverCores, clientMs, clientCores } = figuresOf(one, logins);
    const other = series.find(({ target, atOnce }) => target === 'sshd' && atOnce === one.atOnce);
    const compared = other && figuresOf(other, logins);
    return [
      one.target,
      String(one.atOnce),
      spread(rate, 0),
      spread(p50, 1),
      spread(p95, 1),
      spread(serverMs, 1),
      ratio(rate, compared?.rate),
      ratio(serverMs, compared?.serverMs),
      middle(serverCores),
      middle(clientMs),
      middle(clientCores),
    ];
  });
  return [table(COLUMNS, rows), ...skippedLines(skipped)].join('\n');
}

function figuresOf({ runs }: LoginsSeries, logins: number) {
  const of = (pick: (figures: LoginsFigures) => number | undefined, factor = 1) =>
    summaryOf(runs, pick, factor);
  const busy = (cpuSeconds: number | undefined, wallSeconds: number) =>
    cpuSeconds === undefined ? undefined : cpuSeconds / wallSeconds;
  return {
    rate: of(({ wallSeconds }) => logins / wallSeconds),
    p50: of(({ p50Ms }) => p50Ms),
    p95: of(({ p95Ms }) => p95Ms),
    serverMs: of(({ serverCpuSeconds }) => serverCpuSeconds, 1000 / logins),
    serverCores: of(({ serverCpuSeconds, wallSeconds }) => busy(serverCpuSeconds, wallSeconds)),
    clientMs: of(({ clientCpuSeconds }) => clientCpuSeconds, 1000 / logins),
    clientCores: of(({ clientCpuSeconds, wallSeconds }) => busy(clientCpuSeconds, wallSeconds)),
  };
}
