import { type Meter, metrics, type Tracer, trace } from '@opentelemetry/api';
import { Metrics } from './meter.ts';

const SCOPE = 'sluice';

/** For those who live in a process that has an SDK of its own, or none: what is not given comes from the global API. */
export function globalTelemetry(given: {
  readonly tracer?: Tracer | undefined;
  readonly meter?: Meter | undefined;
}): {
  readonly tracer: Tracer;
  readonly metrics: Metrics;
} {
  const { tracer = trace.getTracer(SCOPE), meter = metrics.getMeter(SCOPE) } = given;
  return { tracer, metrics: new Metrics(meter) };
}
