import type { Figures, FiguresWithRequests } from '../measure/meter.ts';
import { summarize } from '../measure/statistics.ts';
import type { Heading } from '../report.ts';
import { LISTINGS, type ListingSeries } from '../scenarios/listing.ts';
import { MiB } from '../sizes.ts';
import type { Skipped } from '../targets/target.ts';
import { middle, skippedLines, spread, table } from './table.ts';

export interface ListingReport extends Heading {
  readonly entries: number;
  readonly latencyMs: number;
  readonly series: readonly ListingSeries[];
  readonly skipped: readonly Skipped[];
}

const COLUMNS = [
  'Target',
  'Command',
  'Listing',
  'Wall s',
  'CPU s',
  'Peak RSS MiB',
  'S3 requests',
  'Client CPU s',
  'Store CPU s',
];

/** Medians with, in parentheses, the least and the most of all runs. */
export function listingTable({ series, skipped }: Omit<ListingReport, keyof Heading>): string {
  const rows = series.map(({ target, listing, turn, runs }) => {
    const of = (pick: (figures: FiguresWithRequests) => number | undefined) =>
      summarize(runs.map(pick).filter((value) => value !== undefined));
    return [
      target,
      `\`${LISTINGS[listing]}\``,
      turn,
      spread(
        of(({ wallSeconds }) => wallSeconds),
        2,
      ),
      spread(
        of(({ serverCpuSeconds }) => serverCpuSeconds),
        2,
      ),
      spread(of(peakMebibytes), 0),
      of(({ requests }) => Object.values(requests).reduce((sum, count) => sum + count, 0))?.median.toFixed(0),
      middle(of(({ clientCpuSeconds }) => clientCpuSeconds)),
      middle(of(({ sinkCpuSeconds }) => sinkCpuSeconds)),
    ];
  });
  return [table(COLUMNS, rows), ...skippedLines(skipped)].join('\n');
}

function peakMebibytes({ serverPeakRssBytes }: Figures): number | undefined {
  return serverPeakRssBytes === undefined ? undefined : serverPeakRssBytes / MiB;
}
