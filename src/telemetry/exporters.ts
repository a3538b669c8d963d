import { diag } from '@opentelemetry/api';
import { getNumberFromEnv, getStringFromEnv, getStringListFromEnv } from '@opentelemetry/core';
import {
  type AggregationOption,
  AggregationType,
  ConsoleMetricExporter,
  type IMetricReader,
  InstrumentType,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import type { ScrapeReader } from './scrape.ts';

/**
 * Spans that wait to be sent, unless `OTEL_BSP_MAX_QUEUE_SIZE` says otherwise: about 10 MiB, and as many as 1,000 small files
 * make in a burst. The SDK's own 2,048 lose some of those.
 */
const MAX_QUEUED_SPANS = 10_000;

/** Between two exports of metrics, in milliseconds (`OTEL_METRIC_EXPORT_INTERVAL`), and for how long one is tried. */
const EXPORT_INTERVAL_MS = 60_000;
const EXPORT_TIMEOUT_MS = 30_000;

/** A module that is loaded when its exporter is used, and only then: gRPC alone takes tens of MiB. */
type Load<Exporter> = () => Promise<Exporter>;

interface MetricOptions {
  readonly aggregationPreference: (instrument: InstrumentType) => AggregationOption;
}

const SPAN_EXPORTERS: Readonly<Record<string, Load<new () => SpanExporter>>> = {
  'http/protobuf': async () => (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter,
  'http/json': async () => (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter,
  grpc: async () => (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter,
};

const METRIC_EXPORTERS: Readonly<Record<string, Load<new (options: MetricOptions) => PushMetricExporter>>> = {
  'http/protobuf': async () =>
    (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter,
  'http/json': async () => (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter,
  grpc: async () => (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter,
};

/** What `OTEL_TRACES_EXPORTER` names, `otlp` unless told. */
export async function createSpanProcessors(): Promise<SpanProcessor[]> {
  const processors: SpanProcessor[] = [];
  for (const name of getStringListFromEnv('OTEL_TRACES_EXPORTER') ?? ['otlp']) {
    if (name === 'otlp') {
      const exporter = new (await loadOtlpExporter('TRACES', SPAN_EXPORTERS))();
      const isSet = getNumberFromEnv('OTEL_BSP_MAX_QUEUE_SIZE') !== undefined;
      processors.push(new BatchSpanProcessor(exporter, isSet ? {} : { maxQueueSize: MAX_QUEUED_SPANS }));
    } else if (name === 'console') {
      processors.push(new SimpleSpanProcessor(new ConsoleSpanExporter()));
    } else if (name !== 'none') {
      diag.warn(`OTEL_TRACES_EXPORTER: "${name}" is none of otlp, console, none`);
    }
  }
  return processors;
}

export interface MetricReaders {
  readonly readers: readonly IMetricReader[];
  /** Set when metrics are to be scraped. */
  readonly prometheus: ScrapeReader | undefined;
}

/** What `OTEL_METRICS_EXPORTER` names, `otlp` unless told. */
export async function createMetricReaders(): Promise<MetricReaders> {
  const readers: IMetricReader[] = [];
  let prometheus: ScrapeReader | undefined;
  for (const name of getStringListFromEnv('OTEL_METRICS_EXPORTER') ?? ['otlp']) {
    if (name === 'otlp') {
      const Exporter = await loadOtlpExporter('METRICS', METRIC_EXPORTERS);
      readers.push(toPeriodic(new Exporter({ aggregationPreference: toAggregation() })));
    } else if (name === 'console') {
      readers.push(toPeriodic(new ConsoleMetricExporter()));
    } else if (name === 'prometheus') {
      prometheus = new (await import('./scrape.ts')).ScrapeReader();
      readers.push(prometheus);
    } else if (name !== 'none') {
      diag.warn(`OTEL_METRICS_EXPORTER: "${name}" is none of otlp, prometheus, console, none`);
    }
  }
  return { readers, prometheus };
}

/**
 * Histograms with fixed buckets, or with exponential ones where `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` says so,
 * which the SDK does not read itself: only of those does CloudWatch know percentiles (observability/collector-aws.yaml).
 */
function toAggregation(): MetricOptions['aggregationPreference'] {
  const wanted = getStringFromEnv('OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION');
  if (wanted === 'base2_exponential_bucket_histogram') {
    return (instrument) =>
      instrument === InstrumentType.HISTOGRAM
        ? { type: AggregationType.EXPONENTIAL_HISTOGRAM }
        : { type: AggregationType.DEFAULT };
  }
  if (wanted !== undefined && wanted !== 'explicit_bucket_histogram') {
    diag.warn(
      `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: "${wanted}" is none of explicit_bucket_histogram, base2_exponential_bucket_histogram`,
    );
  }
  return () => ({ type: AggregationType.DEFAULT });
}

function toPeriodic(exporter: PushMetricExporter): IMetricReader {
  const exportIntervalMillis = getNumberFromEnv('OTEL_METRIC_EXPORT_INTERVAL') || EXPORT_INTERVAL_MS;
  const timeout = getNumberFromEnv('OTEL_METRIC_EXPORT_TIMEOUT') || EXPORT_TIMEOUT_MS;
  const exportTimeoutMillis = Math.min(timeout, exportIntervalMillis);
  return new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis });
}

async function loadOtlpExporter<Exporter>(
  signal: 'TRACES' | 'METRICS',
  exporters: Readonly<Record<string, Load<Exporter>>>,
): Promise<Exporter> {
  const protocol =
    getStringFromEnv(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`) ??
    getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL') ??
    'http/protobuf';
  const load = exporters[protocol];
  if (load === undefined) {
    diag.warn(`OTEL_EXPORTER_OTLP_PROTOCOL: "${protocol}" is none of ${Object.keys(exporters).join(', ')}`);
  }
  return ((load ?? exporters['http/protobuf']) as Load<Exporter>)();
}
