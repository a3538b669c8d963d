import type { Summary } from '../measure/statistics.ts';
import type { Heading } from '../report.ts';
import type { SmallTaskRun, SmallTaskWork } from '../scenarios/small-task.ts';
import { MiB } from '../sizes.ts';
import { spread, summaryOf, table } from './table.ts';

export interface SmallTaskReport extends Heading, SmallTaskWork {
  readonly runs: readonly SmallTaskRun[];
}

/** A figure a row: the median of all runs with the least and the most; "longest" is the longest of each run. */
export function smallTaskTable(report: Omit<SmallTaskReport, keyof Heading>): string {
  const { partners, files, largeSize, runs } = report;
  const row = (name: string, pick: (run: SmallTaskRun) => number | undefined, digits: number) => [
    name,
    spread(summaryOf(runs, pick), digits),
  ];
  const longest = (pick: (run: SmallTaskRun) => Summary | undefined) => (run: SmallTaskRun) => pick(run)?.max;
  const rows = [
    row('Start s', ({ startSeconds }) => startSeconds, 1),
    row('CPU s of the start', ({ startCpuSeconds }) => startCpuSeconds, 2),
    row(`Login ms, median of ${partners + 1} at once`, ({ loginMs }) => loginMs?.median, 0),
    row(
      'Login ms, longest',
      longest(({ loginMs }) => loginMs),
      0,
    ),
    row('Small files per s', ({ smallSeconds }) => (partners * files) / smallSeconds, 1),
    row('ms per small file, median', ({ fileMs }) => fileMs?.median, 0),
    row(
      'ms per small file, longest',
      longest(({ fileMs }) => fileMs),
      0,
    ),
    row('MiB per s of the large file', ({ largeSeconds }) => largeSize / MiB / largeSeconds, 1),
    row(
      'Peak RSS MiB',
      ({ peakRssBytes }) => (peakRssBytes === undefined ? undefined : peakRssBytes / MiB),
      0,
    ),
    row(
      '/readyz ms, longest',
      longest(({ readyMs }) => readyMs),
      0,
    ),
    row(
      'Check of the container ms, longest',
      longest(({ containerCheckMs }) => containerCheckMs),
      0,
    ),
    row('Faults', ({ faults }) => faults.length, 0),
  ];
  const faults = runs.flatMap((run) => run.faults);
  return [
    table(['Figure', 'Value'], rows),
    '',
    `The processor is shared out by ${runs[0]?.quotaBy}.`,
    ...faults.slice(0, 10),
  ].join('\n');
}
