import { setTimeout as delay } from 'node:timers/promises';
import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { getBooleanFromEnv, getStringFromEnv } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { UploadFinishedEvent } from 'sluice';

const NAME = 'job-consumer';

export interface Telemetry {
  /** Sends what is still buffered; gives up after two seconds. Never rejects: traces are no reason to fail. */
  shutdown(): Promise<void>;
}

const SHUTDOWN_MS = 2000;

/**
 * Traces go by OTLP (http/protobuf) to where the standard variables say; `OTEL_TRACES_EXPORTER=none` and
 * `OTEL_SDK_DISABLED=true` turn them off.
 */
export function startTelemetry(): Telemetry {
  const isOff = getBooleanFromEnv('OTEL_SDK_DISABLED') || getStringFromEnv('OTEL_TRACES_EXPORTER') === 'none';
  if (isOff) return { shutdown: async () => undefined };
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': NAME }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  return {
    shutdown: () => Promise.race([provider.shutdown(), delay(SHUTDOWN_MS)]).catch(() => undefined),
  };
}

/** The trace that an event belongs to, or none. */
export function traceOf({ traceparent, tracestate }: UploadFinishedEvent): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent, tracestate });
}

/** Runs `work` in a span that is a child of `parent`, and marks it as failed when `work` rejects. */
export function inSpan<T>(
  name: string,
  options: SpanOptions,
  parent: Context,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return trace.getTracer(NAME).startActiveSpan(name, options, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      const { name: type, message } = error as Error;
      span.setAttribute('error.type', type);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      span.recordException(error as Error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A request to S3, as https://opentelemetry.io/docs/specs/semconv/object-stores/s3/ has it. */
export function inS3Span<T>(
  operation: string,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  work: () => Promise<T>,
): Promise<T> {
  const attributes: Attributes = {
    'rpc.system': 'aws-api',
    'rpc.service': 'S3',
    'rpc.method': operation,
    'aws.s3.bucket': bucket,
    'aws.s3.key': key,
  };
  return inSpan(`S3.${operation}`, { kind: SpanKind.CLIENT, attributes }, context.active(), work);
}
