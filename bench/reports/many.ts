import type { Figures } from '../measure/meter.ts';
import { type Summary, summarize } from '../measure/statistics.ts';
import type { Heading } from '../report.ts';
import type { ManySeries, ManyWork } from '../scenarios/many.ts';
import { formatSize, MiB } from '../sizes.ts';
import type { Skipped } from '../targets/target.ts';
import { barsOf, circumstances } from './bars.ts';
import { drawPlot } from './plot.ts';
import { middle, ratio, requestLines, skippedLines, spread, summaryOf, table } from './table.ts';

export interface ManyReport extends Heading, ManyWork {
  readonly series: readonly ManySeries[];
  readonly skipped: readonly Skipped[];
}

const COLUMNS = [
  'Target',
  'Connections',
  'Files per s',
  'Wall s',
  'Server CPU ms per file',
  'Peak RSS MiB',
  'Rate / sshd',
  'CPU / sshd',
  'Client CPU s',
  'Sink CPU s',
];

/** Medians with, in parentheses, the least and the most of all runs. */
export function manyTable({ files, series, skipped }: Omit<ManyReport, keyof Heading>): string {
  const rows = series.map((one) => {
    const { rate, wall, cpu, rss, client, sink } = figuresOf(one, files);
    const other = series.find(
      ({ target, connections }) => target === 'sshd' && connections === one.connections,
    );
    const compared = other && figuresOf(other, files);
    return [
      one.target,
      String(one.connections),
      spread(rate, 0),
      spread(wall, 2),
      spread(cpu, 2),
      spread(rss, 0),
      ratio(rate, compared?.rate),
      ratio(cpu, compared?.cpu),
      middle(client),
      middle(sink),
    ];
  });
  const asked = series.map(({ target, connections, runs }) => ({
    name: `${target} over ${connections}`,
    runs,
  }));
  const requests = requestLines('Requests to S3 and SQS per file:', asked, (count) => {
    const each = count / files;
    // Less is what a server asks at its start alone.
    return each >= 0.005 ? each.toFixed(2) : undefined;
  });
  return [table(COLUMNS, rows), ...requests, ...skippedLines(skipped)].join('\n');
}

/** The rate of each target, by the number of connections. */
export function manyPlot(report: ManyReport, foot: readonly string[]): string {
  const { files, size, series } = report;
  const counts = [...new Set(series.map(({ connections }) => connections))];
  const groups = counts.map((count) => {
    const own = series.filter(({ connections }) => connections === count);
    const options = { reference: 'sshd', unit: 'files/s', digits: 0 };
    const label = `${count} ${count === 1 ? 'connection' : 'connections'}`;
    return { label, bars: barsOf(own, (one) => filesPerSecond(one, files), options) };
  });
  return drawPlot({
    title: `many: ${files} files of ${formatSize(size)} by put -r${circumstances(report)}`,
    axis: 'Files per second, more is better: median, least and most of all runs',
    groups,
    foot,
  });
}

function filesPerSecond({ runs }: ManySeries, files: number): Summary | undefined {
  return summarize(runs.map(({ wallSeconds }) => files / wallSeconds));
}

function figuresOf(series: ManySeries, files: number) {
  const of = (pick: (figures: Figures) => number | undefined, factor = 1) =>
    summaryOf(series.runs, pick, factor);
  return {
    rate: filesPerSecond(series, files),
    wall: of((figures) => figures.wallSeconds),
    cpu: of((figures) => figures.serverCpuSeconds, 1000 / files),
    rss: of((figures) => figures.serverPeakRssBytes, 1 / MiB),
    client: of((figures) => figures.clientCpuSeconds),
    sink: of((figures) => figures.sinkCpuSeconds),
  };
}
