import type { ServerResponse } from 'node:http';
import { diag } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  DataPointType,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { withUnit } from './prometheus-names.ts';

/**
 * Metrics in Prometheus' text format, when somebody asks. The SDK's own exporter leaves the units out of the names, so that the
 * same metric would be called otherwise when it is scraped than when it comes by OTLP.
 */
export class ScrapeReader extends MetricReader {
  readonly #serializer = new PrometheusSerializer();

  answer(response: ServerResponse): void {
    this.collect().then(
      ({ resourceMetrics, errors }) => {
        if (errors.length > 0) diag.error('metrics could not be collected', ...errors);
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
        response.end(this.#serializer.serialize(withUnits(resourceMetrics)));
      },
      (error) => {
        diag.error('metrics could not be collected', error);
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end('metrics could not be collected\n');
      },
    );
  }

  protected async onForceFlush(): Promise<void> {}

  protected async onShutdown(): Promise<void> {}
}

function withUnits({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  return {
    resource,
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(renamed) })),
  };
}

function renamed(data: MetricData): MetricData {
  const { name, unit } = data.descriptor;
  const isGauge = data.dataPointType === DataPointType.GAUGE;
  return { ...data, descriptor: { ...data.descriptor, name: withUnit({ name, unit, isGauge }) } };
}
