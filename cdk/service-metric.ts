import type { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { AttributesOf } from '../src/telemetry/meter.ts';
import type { MetricName } from '../src/telemetry/metrics.ts';

/** A metric of the service; its name and its dimensions are those of the catalogue (docs/telemetry.md). */
export function serviceMetric<N extends MetricName>(
  namespace: string,
  metricName: N,
  statistic: 'Sum' | 'Maximum' | 'Average',
  period: Duration,
  dimensions: AttributesOf<N> = {} as AttributesOf<N>,
): Metric {
  const dimensionsMap = Object.fromEntries(Object.entries<string | undefined>(dimensions)) as Record<
    string,
    string
  >;
  return new Metric({ namespace, metricName, statistic, period, dimensionsMap });
}
