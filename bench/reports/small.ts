import type { Heading } from '../report.ts';
import type { SmallRun, SmallWork } from '../scenarios/small.ts';
import { fixed, spread, table } from './table.ts';

export interface SmallReport extends Heading, SmallWork {
  readonly runs: readonly SmallRun[];
}

const COLUMNS = [
  'Connections',
  'Wall s',
  'Files per s',
  'ms per file',
  'Server CPU ms per file',
  'Jobs',
  'SQS requests',
  'Jobs per request',
  'Faults',
];

/** Milliseconds per file are the median with, in parentheses, the least and the most. */
export function smallTable({ files, runs }: Omit<SmallReport, keyof Heading>): string {
  const rows = runs.map((run) => [
    String(run.connections),
    fixed(run.wallSeconds, 2),
    fixed(files / run.wallSeconds, 0),
    spread(run.fileMs, 1),
    fixed(run.serverCpuSeconds === undefined ? undefined : (run.serverCpuSeconds * 1000) / files, 2),
    String(run.jobs),
    String(run.jobRequests),
    fixed(run.jobs / run.jobRequests, 1),
    String(run.faults.length),
  ]);
  return table(COLUMNS, rows);
}
