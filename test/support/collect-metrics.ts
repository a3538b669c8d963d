import type { Attributes } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { Metrics } from '../../src/telemetry/meter.ts';
import type { MetricName } from '../../src/telemetry/metrics.ts';

/** One series of a metric: a number, or of a histogram how many values there were and their sum. */
export interface Series {
  readonly attributes: Attributes;
  readonly value: number | { readonly count: number; readonly sum: number };
}

class Reader extends MetricReader {
  async onForceFlush(): Promise<void> {}
  async onShutdown(): Promise<void> {}
}

/** Metrics that are read by the test. */
export function collectMetrics(): {
  readonly metrics: Metrics;
  read(name: MetricName): Promise<readonly Series[]>;
} {
  const reader = new Reader();
  const metrics = new Metrics(new MeterProvider({ readers: [reader] }).getMeter('test'));
  return {
    metrics,
    read: async (name) => {
      const { resourceMetrics } = await reader.collect();
      const found = resourceMetrics.scopeMetrics
        .flatMap((scope) => scope.metrics)
        .find(({ descriptor }) => descriptor.name === name);
      return (found?.dataPoints ?? []).map(({ attributes, value }) => ({
        attributes,
        value: typeof value === 'number' ? value : { count: value.count, sum: value.sum ?? 0 },
      }));
    },
  };
}
