import { setTimeout as delay } from 'node:timers/promises';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK, resources, tracing } from '@opentelemetry/sdk-node';

export interface TelemetryOptions {
  /** `service.name`, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string;
  /**
   * Receives every span that ends. With it, spans are exported only when `exportToo` is set; without it, always,
   * as the standard variables say.
   */
  readonly onSpanEnd?: (span: tracing.ReadableSpan) => void;
  readonly exportToo?: boolean;
}

export interface Telemetry {
  /** Sends what is still buffered, then stops; gives up after two seconds. Never rejects. */
  shutdown(): Promise<void>;
}

/** A receiver of spans that does not answer must not hold up the end of the process for longer. */
const SHUTDOWN_MS = 2000;

/**
 * Starts the OpenTelemetry SDK, which configures itself from the standard variables
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */
export function startTelemetry({ serviceName, onSpanEnd, exportToo }: TelemetryOptions): Telemetry {
  const sdk = new NodeSDK({
    resource: resources.resourceFromAttributes({ 'service.name': serviceName }),
    ...(onSpanEnd === undefined ? {} : { spanProcessors: localProcessors(onSpanEnd, exportToo ?? false) }),
  });
  sdk.start();
  return {
    shutdown: async () => {
      const deadline = new AbortController();
      const late = delay(SHUTDOWN_MS, undefined, { signal: deadline.signal });
      await Promise.race([sdk.shutdown(), late]).catch(() => undefined);
      deadline.abort();
    },
  };
}

function localProcessors(
  onEnd: (span: tracing.ReadableSpan) => void,
  exportToo: boolean,
): tracing.SpanProcessor[] {
  const nothing = async () => undefined;
  const local = { onStart: () => undefined, onEnd, forceFlush: nothing, shutdown: nothing };
  return exportToo ? [local, new tracing.BatchSpanProcessor(new OTLPTraceExporter())] : [local];
}
