import type { Heading } from '../report.ts';
import type { WorkersRun, WorkersSeries, WorkersWork } from '../scenarios/workers.ts';
import { GiB, MiB } from '../sizes.ts';
import { ratio, spread, summaryOf, table } from './table.ts';

export interface WorkersReport extends Heading, WorkersWork {
  readonly series: readonly WorkersSeries[];
}

const COLUMNS = [
  'Workers',
  'MiB per s',
  'Rate / the first',
  'CPU s per GiB',
  'Server cores busy',
  'Client cores busy',
  'Sink cores busy',
];

/** Medians with, in parentheses, the least and the most of all runs. */
export function workersTable({
  clients,
  size,
  cpuShare,
  series,
}: Omit<WorkersReport, keyof Heading>): string {
  const bytes = clients * size;
  const rate = (runs: readonly WorkersRun[]) =>
    summaryOf(runs, ({ wallSeconds }) => bytes / MiB / wallSeconds);
  const busy = (runs: readonly WorkersRun[], pick: (run: WorkersRun) => number | undefined) =>
    spread(
      summaryOf(runs, (run) => {
        const seconds = pick(run);
        return seconds === undefined ? undefined : seconds / run.wallSeconds;
      }),
      2,
    );
  const first = rate(series[0]?.runs ?? []);
  const rows = series.map(({ workers, runs }) => [
    String(workers),
    spread(rate(runs), 0),
    ratio(rate(runs), first),
    spread(
      summaryOf(runs, ({ serverCpuSeconds }) => serverCpuSeconds, GiB / bytes),
      2,
    ),
    busy(runs, ({ serverCpuSeconds }) => serverCpuSeconds),
    busy(runs, ({ clientCpuSeconds }) => clientCpuSeconds),
    busy(runs, ({ sinkCpuSeconds }) => sinkCpuSeconds),
  ]);
  const runs = series.flatMap((each) => each.runs);
  return [
    table(COLUMNS, rows),
    '',
    `Each worker has ${cpuShare} of a processor, by ${runs[0]?.quotaBy}.`,
    ...runs.flatMap(({ faults }) => faults).slice(0, 10),
  ].join('\n');
}
