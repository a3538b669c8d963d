/** Suffixes of units (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/). */
const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** What has a name: a metric with its unit, and whether it is a gauge. */
export interface Named {
  readonly name: string;
  readonly unit: string;
  readonly isGauge: boolean;
}

/**
 * A metric's name as Prometheus gets it from any way in (scraped, or by OTLP): with its unit. Counters have `_total` behind
 * it, histograms `_bucket`, `_sum` and `_count`. Units in braces say what is counted, and are left out; 1 is that of shares.
 */
export function withUnit({ name, unit, isGauge }: Named): string {
  return `${toLabel(name)}${unit === '1' && isGauge ? '_ratio' : (SUFFIXES[unit] ?? '')}`;
}

/** What the name of an attribute becomes. */
export function toLabel(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, '_');
}
