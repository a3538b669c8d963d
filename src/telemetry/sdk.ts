import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { DiagLogLevel, diag, metrics as metricsApi, type Tracer, trace } from '@opentelemetry/api';
import {
  diagLogLevelFromString,
  getBooleanFromEnv,
  getStringFromEnv,
  setGlobalErrorHandler,
} from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { StackContextManager } from '@opentelemetry/sdk-trace';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { Log } from '../contract/log.ts';
import { ExportWarnings } from './export-warnings.ts';
import { createMetricReaders, createSpanProcessors } from './exporters.ts';
import { Metrics } from './meter.ts';
import { observeProcess } from './process-metrics.ts';

export interface TelemetryOptions {
  /** `service.name`, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string;
  readonly log: Log;
  /** What sees the spans besides those who export them. */
  readonly processors?: readonly SpanProcessor[];
  /** Whether anything leaves the process, as the standard variables say; true unless told. */
  readonly exports?: boolean;
}

export interface Telemetry {
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  /** Answers with the metrics in Prometheus' text format; undefined unless `OTEL_METRICS_EXPORTER` names `prometheus`. */
  readonly answerScrape: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Sends what is still buffered, then stops; gives up after two seconds. Never rejects. */
  shutdown(): Promise<void>;
}

/** A receiver that does not answer must not hold up the end of the process for longer. */
const SHUTDOWN_MS = 2000;

const SCOPE = 'sluice';

interface Part {
  shutdown(): Promise<void>;
}

/**
 * Makes traces and metrics as the standard variables say
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). What they name and is not
 * known here is left out; that, and what cannot be exported, is told by the log (`OTEL_LOG_LEVEL=none` silences it).
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  complainTo(options.log);
  const isOn = getBooleanFromEnv('OTEL_SDK_DISABLED') !== true;
  const exports = isOn && options.exports !== false;
  const resource = toResource(options.serviceName);
  const parts: Part[] = [];

  const local = isOn ? (options.processors ?? []) : [];
  const spanProcessors = [...local, ...(exports ? await createSpanProcessors() : [])];
  const { readers, prometheus } = exports
    ? await createMetricReaders()
    : { readers: [], prometheus: undefined };
  if (spanProcessors.length > 0) {
    const provider = new NodeTracerProvider({ resource, spanProcessors });
    // What belongs to what is told, not followed through promises (docs/adr/0011-explicit-scopes.md).
    provider.register({ contextManager: new StackContextManager().enable() });
    parts.push(provider);
  }
  if (readers.length > 0) {
    const provider = new MeterProvider({ resource, readers: [...readers] });
    metricsApi.setGlobalMeterProvider(provider);
    parts.push(provider);
  }
  const metrics = new Metrics(metricsApi.getMeter(SCOPE));
  const stopObserving = readers.length > 0 ? observeProcess(metrics) : undefined;
  return {
    tracer: trace.getTracer(SCOPE),
    metrics,
    answerScrape: prometheus && ((_request, response) => prometheus.answer(response)),
    shutdown: async () => {
      stopObserving?.();
      const deadline = new AbortController();
      const late = delay(SHUTDOWN_MS, undefined, { signal: deadline.signal });
      const ended = Promise.allSettled(parts.map((part) => part.shutdown()));
      await Promise.race([ended, late]).catch(() => undefined);
      deadline.abort();
    },
  };
}

function complainTo(log: Log): void {
  const warnings = new ExportWarnings(log);
  const logLevel = diagLogLevelFromString(getStringFromEnv('OTEL_LOG_LEVEL')) ?? DiagLogLevel.WARN;
  diag.setLogger(warnings.toDiagLogger(), { logLevel, suppressOverrideMessage: true });
  setGlobalErrorHandler((problem) => {
    if (logLevel >= DiagLogLevel.ERROR) warnings.warn(problem);
  });
}

function toResource(serviceName: string) {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName }))
    .merge(detectResources({ detectors: [envDetector, processDetector, hostDetector] }));
}
