import type { Figures, FiguresWithRequests } from '../measure/meter.ts';
import type { Heading } from '../report.ts';
import { formatSize, GiB, MiB } from '../sizes.ts';
import type { Skipped } from '../targets/target.ts';
import { barsOf, circumstances } from './bars.ts';
import { drawPlot } from './plot.ts';
import { middle, ratio, requestLines, skippedLines, spread, summaryOf, table } from './table.ts';

/** The runs of one target with one cipher. */
export interface Series {
  readonly target: string;
  readonly cipher: string;
  readonly runs: readonly FiguresWithRequests[];
}

export interface TransferReport extends Heading {
  /** Bytes that one run moves. */
  readonly bytes: number;
  readonly latencyMs: number;
  readonly roundTripMs: number;
  readonly series: readonly Series[];
  readonly skipped: readonly Skipped[];
}

const columns = (reference: string) => [
  'Target',
  'Cipher',
  'Wall s',
  'CPU s per GiB',
  'Peak RSS MiB',
  `Wall / ${reference}`,
  `CPU / ${reference}`,
  'Client CPU s',
  'Sink CPU s',
];

/** Medians with, in parentheses, the least and the most of all runs; `reference` is whom the others are compared with. */
export function transferTable(
  { series, skipped, bytes }: Pick<TransferReport, 'series' | 'skipped' | 'bytes'>,
  reference = 'sshd',
): string {
  const rows = series.map((one) => {
    const { wall, cpuPerGiB, rss, client, sink } = figuresOf(one, bytes);
    const other = series.find(({ target, cipher }) => target === reference && cipher === one.cipher);
    const compared = other && figuresOf(other, bytes);
    return [
      one.target,
      one.cipher,
      spread(wall, 2),
      spread(cpuPerGiB, 2),
      spread(rss, 0),
      ratio(wall, compared?.wall),
      ratio(cpuPerGiB, compared?.cpuPerGiB),
      middle(client),
      middle(sink),
    ];
  });
  const asked = series.map(({ target, cipher, runs }) => ({ name: `${target}, ${cipher}`, runs }));
  const requests = requestLines('Requests to S3 and SQS:', asked, (count) => String(count));
  return [table(columns(reference), rows), ...requests, ...skippedLines(skipped)].join('\n');
}

/** The wall time of each target, by cipher. */
export function transferPlot(report: TransferReport, foot: readonly string[], reference = 'sshd'): string {
  const { scenario, series, bytes } = report;
  const ciphers = [...new Set(series.map(({ cipher }) => cipher))];
  const groups = ciphers.map((cipher) => {
    const own = series.filter((one) => one.cipher === cipher);
    const wallOf = (one: Series) => summaryOf(one.runs, ({ wallSeconds }) => wallSeconds);
    return { label: `cipher: ${cipher}`, bars: barsOf(own, wallOf, { reference, unit: 's', digits: 2 }) };
  });
  return drawPlot({
    title: `${scenario}: one file of ${formatSize(bytes)}, one connection${circumstances(report)}`,
    axis: 'Seconds, less is better: median, least and most of all runs',
    groups,
    foot,
  });
}

function figuresOf({ runs }: Series, bytes: number) {
  const of = (pick: (figures: Figures) => number | undefined, factor = 1) => summaryOf(runs, pick, factor);
  return {
    wall: of((figures) => figures.wallSeconds),
    cpuPerGiB: of((figures) => figures.serverCpuSeconds, GiB / bytes),
    rss: of((figures) => figures.serverPeakRssBytes, 1 / MiB),
    client: of((figures) => figures.clientCpuSeconds),
    sink: of((figures) => figures.sinkCpuSeconds),
  };
}
