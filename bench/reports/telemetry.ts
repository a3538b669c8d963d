import { type Summary, summarize } from '../measure/statistics.ts';
import type { Heading } from '../report.ts';
import type { TelemetryResult, TelemetryRun, TelemetrySeries } from '../scenarios/telemetry.ts';
import type { TelemetryWork } from '../scenarios/telemetry-work.ts';
import { formatSize, MiB } from '../sizes.ts';
import { fixed, spread, table } from './table.ts';

export interface TelemetryReport extends Heading, TelemetryWork {
  readonly results: readonly TelemetryResult[];
}

const COLUMNS = [
  'Work',
  'Receiver',
  'Wall s',
  'Server CPU s',
  'Wall / off',
  'CPU / off',
  'Peak RSS MiB',
  'Spans received',
  'Missing',
  'Metric exports',
];

/** Medians with, in parentheses, the least and the most; ratios are those of each round, spans those of all rounds. */
export function telemetryTable(report: Omit<TelemetryReport, keyof Heading>): string {
  const rows = report.results.flatMap(({ work, series, expectedSpans }) => {
    const off = series.find(({ variant }) => variant === 'off');
    return series.map((one) => {
      const spans = one.received?.spans;
      return [
        work === 'upload' ? formatSize(report.size) : `${report.files} x ${formatSize(report.fileSize)}`,
        one.variant,
        spread(of(one, wall), 2),
        spread(of(one, cpu), 2),
        spread(ratio(one, off, wall), 3),
        spread(ratio(one, off, cpu), 3),
        spread(of(one, peakMebibytes), 0),
        expectedSpans === undefined || spans === undefined ? fixed(spans, 0) : `${spans} of ${expectedSpans}`,
        expectedSpans === undefined || spans === undefined
          ? undefined
          : fixed(Math.max(0, expectedSpans - spans), 0),
        fixed(one.received?.metricExports, 0),
      ];
    });
  });
  const faults = report.results.flatMap((result) => result.faults);
  return [table(COLUMNS, rows), ...(faults.length > 0 ? ['', ...faults] : [])].join('\n');
}

type Pick = (run: TelemetryRun) => number | undefined;

const wall: Pick = ({ wallSeconds }) => wallSeconds;
const cpu: Pick = ({ cpuSeconds }) => cpuSeconds;
const peakMebibytes: Pick = ({ peakRssBytes }) =>
  peakRssBytes === undefined ? undefined : peakRssBytes / MiB;

function of({ runs }: TelemetrySeries, pick: Pick): Summary | undefined {
  return summarize(runs.map(pick).filter((value) => value !== undefined));
}

/** Of each round, this variant divided by the one without telemetry. */
function ratio(one: TelemetrySeries, off: TelemetrySeries | undefined, pick: Pick): Summary | undefined {
  if (off === undefined || one === off) return undefined;
  const ratios = one.runs.flatMap((run, round) => {
    const other = off.runs[round];
    const [value, divisor] = [pick(run), other && pick(other)];
    return value === undefined || !divisor ? [] : [value / divisor];
  });
  return summarize(ratios);
}
