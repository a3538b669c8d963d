import type { METRICS, MetricName } from '../src/telemetry/metrics.ts';

type KindOf<Name extends MetricName> = (typeof METRICS)[Name]['kind'];
type OfKind<Kind extends string> = {
  [Name in MetricName]: KindOf<Name> extends Kind ? Name : never;
}[MetricName];

export type CounterName = OfKind<'counter' | 'observable counter'>;
export type GaugeName = OfKind<'observable gauge'>;
export type HistogramName = OfKind<'histogram'>;
export type AttributeOf<Name extends MetricName> = (typeof METRICS)[Name]['attributes'][number];

/** What an attribute must be for its measurements to count: this value, any but this value, or there at all. */
export type Condition = { readonly is: string } | { readonly not: string } | 'present';

/** Which measurements of a metric, and into which lines they are parted. */
export interface Selection<Attribute extends string = string> {
  /** One line for each value of these attributes; without them there is one line. */
  readonly by?: readonly Attribute[];
  readonly where?: { readonly [Name in Attribute]?: Condition };
  /** What the line is called; where there are several, the values of their attributes follow it. */
  readonly label?: string;
  readonly color?: Color;
}

export type Color = 'good' | 'bad' | 'limit';

/** How the tasks of a service become one line: `sum` for what they share out, `max` for what each has or sees by itself. */
export type AcrossTasks = 'sum' | 'max';

/** Lines of a panel. Nothing in it is particular to where the metrics are kept: each dashboard says it in its own terms. */
export type Series = { readonly selection: Selection } & (
  | { readonly kind: 'rate'; readonly metric: CounterName }
  /** How many measurements a second a histogram has. */
  | { readonly kind: 'calls'; readonly metric: HistogramName }
  | { readonly kind: 'percentile'; readonly metric: HistogramName; readonly percent: number }
  | { readonly kind: 'gauge'; readonly metric: GaugeName; readonly tasks: AcrossTasks }
  /** Share that one gauge has of another within a task, of the task where it is largest. */
  | { readonly kind: 'share'; readonly metric: GaugeName; readonly of: GaugeName }
  /** A counter of seconds as seconds a second, of the busiest task. */
  | { readonly kind: 'busy'; readonly metric: CounterName }
);

export function rate<Name extends CounterName>(
  metric: Name,
  selection: Selection<AttributeOf<Name>> = {},
): Series {
  return { kind: 'rate', metric, selection };
}

export function calls<Name extends HistogramName>(
  metric: Name,
  selection: Selection<AttributeOf<Name>> = {},
): Series {
  return { kind: 'calls', metric, selection };
}

export function percentile<Name extends HistogramName>(
  percent: number,
  metric: Name,
  selection: Selection<AttributeOf<Name>> = {},
): Series {
  return { kind: 'percentile', metric, percent, selection: { label: `p${percent}`, ...selection } };
}

/** The usual three. */
export function percentiles<Name extends HistogramName>(
  metric: Name,
  selection: Selection<AttributeOf<Name>> = {},
): Series[] {
  return [50, 95, 99].map((percent) => percentile(percent, metric, selection));
}

export function gauge<Name extends GaugeName>(
  tasks: AcrossTasks,
  metric: Name,
  selection: Selection<AttributeOf<Name>> = {},
): Series {
  return { kind: 'gauge', metric, tasks, selection };
}

export function share(metric: GaugeName, of: GaugeName, selection: Selection<never> = {}): Series {
  return { kind: 'share', metric, of, selection };
}

export function busy<Name extends CounterName>(
  metric: Name,
  selection: Selection<AttributeOf<Name>> = {},
): Series {
  return { kind: 'busy', metric, selection };
}

/** The metrics that a line is made of. */
export function metricsOf(series: Series): readonly MetricName[] {
  return series.kind === 'share' ? [series.metric, series.of] : [series.metric];
}

/** Conditions in the order of their names, which object literals do not promise. */
export function conditionsOf({ where = {} }: Selection): readonly (readonly [string, Condition])[] {
  return Object.entries(where)
    .flatMap(([name, condition]) => (condition === undefined ? [] : [[name, condition] as const]))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
