import { METRICS, type MetricName } from '../src/telemetry/metrics.ts';
import type { Panel, Unit } from './panel.ts';
import { PANELS, SECTIONS } from './panels.ts';
import { type Color, conditionsOf, metricsOf, type Selection, type Series } from './series.ts';

/** Where collector-aws.yaml puts the metrics, unless it is told another one: one namespace for each deployment. */
export const DEFAULT_NAMESPACE = 'Sluice';

/** Seconds. Metrics are exported once a minute, and sums over tasks need just one value of each task in a period. */
const PERIOD = 60;

const WIDTH = 24;
const GRAPH = { width: 8, height: 6 } as const;
const NUMBER = { width: 4, height: 3 } as const;

const COLORS = { good: '#2ca02c', bad: '#d62728', limit: '#ff7f0e' } as const satisfies Record<Color, string>;

const UNITS = {
  seconds: 'seconds',
  bytes: 'bytes',
  'bytes a second': 'bytes a second',
  'a second': 'a second',
  count: '',
  share: 'share',
  cores: 'cores',
} as const satisfies Record<Unit, string>;

/** A line of a widget: a metric with its dimensions, or an expression, as PutDashboard has them. */
type Line = readonly (string | Readonly<Record<string, unknown>>)[];

/**
 * The body of a dashboard
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html).
 * Widgets name no region: they show that of the dashboard.
 */
export function toCloudWatchDashboard(namespace: string = DEFAULT_NAMESPACE): object {
  const widgets: object[] = [];
  let y = 0;
  for (const { title, numbers = [], panels } of SECTIONS) {
    widgets.push({ type: 'text', x: 0, y, width: WIDTH, height: 1, properties: { markdown: `## ${title}` } });
    y += 1;
    for (const { view, size, row } of [
      { view: 'singleValue', size: NUMBER, row: numbers },
      { view: 'timeSeries', size: GRAPH, row: panels },
    ] as const) {
      const inARow = WIDTH / size.width;
      for (const [index, panel] of row.entries()) {
        const x = (index % inARow) * size.width;
        const top = y + Math.floor(index / inARow) * size.height;
        widgets.push({
          type: 'metric',
          x,
          y: top,
          ...size,
          properties: toProperties(view, panel, namespace),
        });
      }
      y += Math.ceil(row.length / inARow) * size.height;
    }
  }
  return { start: '-PT3H', periodOverride: 'inherit', widgets };
}

function toProperties(view: 'singleValue' | 'timeSeries', panel: Panel, namespace: string) {
  return {
    title: panel.title,
    view,
    stacked: panel.stacked === true && view === 'timeSeries',
    period: PERIOD,
    metrics: panel.series.flatMap((series, index) => toLines(series, `${'abcdefgh'[index]}`, namespace)),
    ...(view === 'singleValue'
      ? { sparkline: true }
      : { yAxis: { left: { min: 0, label: UNITS[panel.unit], showUnits: false } } }),
    ...(panel.concern === undefined
      ? {}
      : { annotations: { horizontal: [{ value: panel.concern, color: COLORS.bad, label: 'of concern' }] } }),
  };
}

/** A line, with those that it is worked out from, which are not shown themselves. Their ids begin with `id`. */
function toLines(series: Series, id: string, namespace: string): Line[] {
  const { selection } = series;
  const shown = {
    ...(selection.label === undefined ? {} : { label: selection.label }),
    ...(selection.color === undefined ? {} : { color: COLORS[selection.color] }),
  };
  const expression = (text: string, rest: object = {}) =>
    [{ expression: text, id, ...shown, ...rest }] as const;
  const metric = (
    name: MetricName,
    part: string,
    stat: string,
    where: Readonly<Record<string, string>> = {},
  ) =>
    [namespace, name, ...Object.entries(where).flat(), { id: `${id}${part}`, stat, visible: false }] as const;

  const by = selection.by ?? [];
  if (by.length > 0) {
    const found = toSearch(series.metric, selection, statisticOf(series), namespace);
    const several = [selection.label ?? [], by.map((name) => `\${PROP('Dim.${name}')}`)].flat(2).join(' ');
    return [expression(isRate(series) ? `${found} / ${PERIOD}` : found, { label: several })];
  }
  if (series.kind === 'share') {
    return [
      metric(series.metric, '1', 'Maximum'),
      metric(series.of, '2', 'Minimum'),
      expression(`${id}1 / ${id}2`),
    ];
  }
  const { is, not } = toExact(selection);
  const stat = statisticOf(series);
  if (not !== undefined) {
    // What is not so: everything but what is. A period without any value counts as none.
    return [
      metric(series.metric, '1', stat),
      metric(series.metric, '2', stat, not),
      expression(`(FILL(${id}1, 0) - FILL(${id}2, 0)) / ${PERIOD}`),
    ];
  }
  if (isRate(series)) return [metric(series.metric, '1', stat, is), expression(`${id}1 / ${PERIOD}`)];
  return [[namespace, series.metric, ...Object.entries(is).flat(), { id, stat, ...shown }]];
}

function isRate({ kind }: Series): boolean {
  return kind === 'rate' || kind === 'calls' || kind === 'busy';
}

function statisticOf(series: Series): string {
  switch (series.kind) {
    case 'rate':
      return 'Sum';
    case 'calls':
      return 'SampleCount';
    case 'percentile':
      return `p${series.percent}`;
    case 'gauge':
      return series.tasks === 'sum' ? 'Sum' : 'Maximum';
    case 'share':
    case 'busy':
      return 'Maximum';
  }
}

/** Every line whose dimensions are just these. Names with dots stand in quotes. */
function toSearch(name: MetricName, selection: Selection, stat: string, namespace: string): string {
  const schema = [namespace, ...dimensionsOf(selection).map((dimension) => `"${dimension}"`)].join(',');
  const terms = conditionsOf(selection).flatMap(([, condition]) => {
    if (condition === 'present') return [];
    return 'is' in condition ? [` "${condition.is}"`] : [` NOT "${condition.not}"`];
  });
  return `SEARCH('{${schema}} MetricName="${name}"${terms.join('')}', '${stat}', ${PERIOD})`;
}

/** The one value that an attribute must have, or must not have. */
function toExact(selection: Selection) {
  const is: Record<string, string> = {};
  const not: Record<string, string> = {};
  for (const [name, condition] of conditionsOf(selection)) {
    if (condition === 'present') throw new Error(`${name}: "present" needs lines by it`);
    if ('is' in condition) is[name] = condition.is;
    else not[name] = condition.not;
  }
  return { is, not: Object.keys(not).length > 0 ? not : undefined };
}

/** The attributes that a line needs to have as dimensions, in a fixed order. */
function dimensionsOf(selection: Selection): readonly string[] {
  return [...new Set([...(selection.by ?? []), ...conditionsOf(selection).map(([name]) => name)])].sort();
}

/**
 * Sets of dimensions by which each metric must be kept for the dashboard: CloudWatch adds up what it was given, never
 * over dimensions. The collector is told them (collector-aws.yaml).
 */
export function toDimensionSets(): ReadonlyMap<MetricName, readonly (readonly string[])[]> {
  const sets = new Map<MetricName, Map<string, readonly string[]>>();
  const add = (name: MetricName, dimensions: readonly string[]) => {
    const known = sets.get(name) ?? new Map<string, readonly string[]>();
    sets.set(name, known.set(dimensions.join(), dimensions));
  };
  for (const series of PANELS.flatMap((panel) => panel.series)) {
    const dimensions = dimensionsOf(series.selection);
    for (const name of metricsOf(series)) add(name, dimensions);
    // Worked out as a difference from the whole.
    const isDifference =
      (series.selection.by ?? []).length === 0 && toExact(series.selection).not !== undefined;
    if (isDifference) add(series.metric, []);
  }
  const names = (Object.keys(METRICS) as MetricName[]).filter((name) => sets.has(name));
  return new Map(
    names.map((name) => [
      name,
      [...(sets.get(name)?.values() ?? [])].sort((a, b) => (a.join() < b.join() ? -1 : 1)),
    ]),
  );
}
