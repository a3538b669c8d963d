import type { Heading } from '../report.ts';
import type { StartupFigures, StartupSeries, StartupWork } from '../scenarios/startup.ts';
import { MiB } from '../sizes.ts';
import type { Skipped } from '../targets/target.ts';
import { skippedLines, spread, summaryOf, table } from './table.ts';

export interface StartupReport extends Heading, StartupWork {
  readonly series: readonly StartupSeries[];
  readonly skipped: readonly Skipped[];
}

const COLUMNS = ['Target', 'Start s', 'CPU s', 'Idle RSS MiB', 'RSS MiB after an upload'];

/** Medians with, in parentheses, the least and the most of all runs. */
export function startupTable({ series, skipped }: Omit<StartupReport, keyof Heading>): string {
  const rows = series.map(({ target, runs }) => {
    const of = (pick: (figures: StartupFigures) => number | undefined, factor = 1) =>
      summaryOf(runs, pick, factor);
    return [
      target,
      spread(
        of(({ wallSeconds }) => wallSeconds),
        2,
      ),
      spread(
        of(({ serverCpuSeconds }) => serverCpuSeconds),
        2,
      ),
      spread(
        of(({ idleRssBytes }) => idleRssBytes, 1 / MiB),
        0,
      ),
      spread(
        of(({ usedRssBytes }) => usedRssBytes, 1 / MiB),
        0,
      ),
    ];
  });
  return [table(COLUMNS, rows), ...skippedLines(skipped)].join('\n');
}
