import type { Heading } from '../report.ts';
import { type ConcurrentRun, type ConcurrentWork, rateName } from '../scenarios/concurrent.ts';
import { GiB } from '../sizes.ts';
import { fixed, mebibytes, table } from './table.ts';

export interface ConcurrentReport extends Heading, ConcurrentWork {
  readonly runs: readonly ConcurrentRun[];
}

const COLUMNS = [
  'Rate of each',
  'RSS MiB started',
  'logged in',
  'peak',
  'Login s',
  'Wall s',
  'First done s',
  'Last done s',
  'CPU s per GiB',
  'Client CPU s',
  'Sink CPU s',
  'Done',
  'Failed',
  'Faults',
];

/** Lines of faults that are shown; the result has them all. */
const SHOWN_FAULTS = 10;

export function concurrentTable(report: Omit<ConcurrentReport, keyof Heading>): string {
  const { clients, size, runs } = report;
  const rows = runs.map((run) => {
    const { rss, serverCpuSeconds } = run;
    const cpuPerGiB =
      serverCpuSeconds === undefined ? undefined : serverCpuSeconds / ((clients * size) / GiB);
    return [
      rateName(run.bytesPerSecond),
      mebibytes(rss.afterStart),
      mebibytes(rss.afterLogins),
      mebibytes(rss.peak),
      fixed(run.loginSeconds, 1),
      fixed(run.wallSeconds, 1),
      fixed(run.firstFinishedSeconds, 1),
      fixed(run.lastFinishedSeconds, 1),
      fixed(cpuPerGiB, 2),
      fixed(run.clientCpuSeconds, 1),
      fixed(run.sinkCpuSeconds, 1),
      String(run.finished),
      String(clients - run.finished),
      String(run.faults.length),
    ];
  });
  const notes = runs.flatMap((run) => notesOf(run).map((note) => `${rateName(run.bytesPerSecond)}: ${note}`));
  return [table(COLUMNS, rows), ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

function notesOf({ failures, faults }: ConcurrentRun): string[] {
  const more = faults.length - SHOWN_FAULTS;
  return [
    ...failures.map(({ message, count }) => `${count} failed: ${message}`),
    ...faults.slice(0, SHOWN_FAULTS),
    ...(more > 0 ? [`${more} faults more`] : []),
  ];
}
