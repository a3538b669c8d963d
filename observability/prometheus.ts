import { METRICS, type MetricName } from '../src/telemetry/metrics.ts';
import { toLabel, withUnit } from '../src/telemetry/prometheus-names.ts';
import { type Condition, conditionsOf, type Selection, type Series } from './series.ts';

/** The name that a metric has in Prometheus; histograms get `_bucket`, `_sum` and `_count` behind it. */
export function toPrometheusName(name: MetricName): string {
  const { kind, unit } = METRICS[name];
  const isCounter = kind === 'counter' || kind === 'observable counter';
  return `${withUnit({ name, unit, isGauge: kind === 'observable gauge' })}${isCounter ? '_total' : ''}`;
}

/** Only the service and the tasks that are chosen at the head of the dashboard. */
const SCOPE = 'job=~"$job",instance=~"$instance"';
const WINDOW = '$__rate_interval';

/** A line as a query. */
export function toPromQl(series: Series): string {
  const { selection } = series;
  const name = toPrometheusName(series.metric);
  const labels = [SCOPE, ...conditionsOf(selection).map(toMatcher)].join(',');
  const by = (selection.by ?? []).map(toLabel);
  const grouped = (labelNames: readonly string[]) =>
    labelNames.length === 0 ? '' : ` by (${labelNames.join(', ')})`;
  switch (series.kind) {
    case 'rate':
      return `sum${grouped(by)} (rate(${name}{${labels}}[${WINDOW}]))`;
    case 'calls':
      return `sum${grouped(by)} (rate(${name}_count{${labels}}[${WINDOW}]))`;
    case 'percentile': {
      const buckets = `sum${grouped(['le', ...by])} (rate(${name}_bucket{${labels}}[${WINDOW}]))`;
      return `histogram_quantile(${series.percent / 100}, ${buckets})`;
    }
    case 'gauge':
      return `${series.tasks}${grouped(by)} (${name}{${labels}})`;
    case 'share':
      return `max (${name}{${labels}} / ${toPrometheusName(series.of)}{${labels}})`;
    case 'busy':
      return `max${grouped(by)} (rate(${name}{${labels}}[${WINDOW}]))`;
  }
}

/** What the lines are called, in Grafana's terms. */
export function toLegend({ by = [], label }: Selection): string {
  return [...(label === undefined ? [] : [label]), ...by.map((name) => `{{${toLabel(name)}}}`)].join(' ');
}

function toMatcher([name, condition]: readonly [string, Condition]): string {
  const label = toLabel(name);
  if (condition === 'present') return `${label}!=""`;
  return 'is' in condition ? `${label}="${condition.is}"` : `${label}!="${condition.not}"`;
}
