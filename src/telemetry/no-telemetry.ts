import { createNoopMeter, ProxyTracerProvider, type Tracer } from '@opentelemetry/api';
import { Metrics } from './meter.ts';

/** For those who only look: nothing is traced or measured. */
export function noTelemetry(): { readonly tracer: Tracer; readonly metrics: Metrics } {
  return { tracer: new ProxyTracerProvider().getTracer(''), metrics: new Metrics(createNoopMeter()) };
}
