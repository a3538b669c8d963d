import { setTimeout as delay } from 'node:timers/promises';
import { DiagConsoleLogger, diag } from '@opentelemetry/api';
import {
  diagLogLevelFromString,
  getBooleanFromEnv,
  getStringFromEnv,
  getStringListFromEnv,
} from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';

export interface TelemetryOptions {
  /** `service.name`, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string;
  /**
   * Receives every span that ends. With it, spans are exported only when `exportToo` is set; without it, always,
   * as the standard variables say.
   */
  readonly onSpanEnd?: (span: ReadableSpan) => void;
  readonly exportToo?: boolean;
  readonly processors?: readonly SpanProcessor[];
}

export interface Telemetry {
  /** Sends what is still buffered, then stops; gives up after two seconds. Never rejects. */
  shutdown(): Promise<void>;
}

/** A receiver of spans that does not answer must not hold up the end of the process for longer. */
const SHUTDOWN_MS = 2000;

const NO_TELEMETRY: Telemetry = { shutdown: async () => undefined };

type LoadExporter = () => Promise<{ readonly OTLPTraceExporter: new () => SpanExporter }>;

const loadDefaultExporter: LoadExporter = () => import('@opentelemetry/exporter-trace-otlp-proto');

/** By `OTEL_EXPORTER_OTLP_PROTOCOL`. Only the one in use is loaded: gRPC alone takes tens of MiB. */
const OTLP_EXPORTERS = new Map<string, LoadExporter>([
  ['http/protobuf', loadDefaultExporter],
  ['http/json', () => import('@opentelemetry/exporter-trace-otlp-http')],
  ['grpc', () => import('@opentelemetry/exporter-trace-otlp-grpc')],
]);

/**
 * Makes traces as the standard variables say
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). What they name and is not
 * known here is left out, with a warning by the SDK's own log (`OTEL_LOG_LEVEL`).
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const logLevel = diagLogLevelFromString(getStringFromEnv('OTEL_LOG_LEVEL'));
  if (logLevel !== undefined) diag.setLogger(new DiagConsoleLogger(), { logLevel });
  if (getBooleanFromEnv('OTEL_SDK_DISABLED') === true) return NO_TELEMETRY;
  const spanProcessors = await toProcessors(options);
  if (spanProcessors.length === 0) return NO_TELEMETRY;
  const provider = new NodeTracerProvider({ resource: toResource(options.serviceName), spanProcessors });
  provider.register();
  return {
    shutdown: async () => {
      const deadline = new AbortController();
      const late = delay(SHUTDOWN_MS, undefined, { signal: deadline.signal });
      await Promise.race([provider.shutdown(), late]).catch(() => undefined);
      deadline.abort();
    },
  };
}

function toResource(serviceName: string) {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName }))
    .merge(detectResources({ detectors: [envDetector, processDetector, hostDetector] }));
}

async function toProcessors({
  onSpanEnd,
  exportToo,
  processors,
}: TelemetryOptions): Promise<SpanProcessor[]> {
  if (processors !== undefined)
    return exportToo === false ? [...processors] : [...processors, ...(await exportProcessors())];
  if (onSpanEnd === undefined) return exportProcessors();
  const nothing = async () => undefined;
  const local = { onStart: () => undefined, onEnd: onSpanEnd, forceFlush: nothing, shutdown: nothing };
  return exportToo === true ? [local, ...(await exportProcessors())] : [local];
}

async function exportProcessors(): Promise<SpanProcessor[]> {
  const processors: SpanProcessor[] = [];
  for (const name of getStringListFromEnv('OTEL_TRACES_EXPORTER') ?? ['otlp']) {
    if (name === 'otlp') processors.push(new BatchSpanProcessor(await createOtlpExporter()));
    else if (name === 'console') processors.push(new SimpleSpanProcessor(new ConsoleSpanExporter()));
    else if (name !== 'none') diag.warn(`OTEL_TRACES_EXPORTER: "${name}" is none of otlp, console, none`);
  }
  return processors;
}

async function createOtlpExporter(): Promise<SpanExporter> {
  const protocol =
    getStringFromEnv('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ??
    getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL') ??
    'http/protobuf';
  const load = OTLP_EXPORTERS.get(protocol);
  if (load === undefined) {
    diag.warn(
      `OTEL_EXPORTER_OTLP_PROTOCOL: "${protocol}" is none of ${[...OTLP_EXPORTERS.keys()].join(', ')}`,
    );
  }
  const { OTLPTraceExporter } = await (load ?? loadDefaultExporter)();
  return new OTLPTraceExporter();
}
