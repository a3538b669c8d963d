import { type Attributes, type Context, type Span, type Tracer, trace } from '@opentelemetry/api';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { inSpan, startSpan } from '../telemetry/spans.ts';

/** The operations of one backend: a span for each, and how long it took. */
export class BackendOperations {
  readonly #tracer: Tracer;
  readonly #metrics: Metrics;
  readonly #backendName: string;

  constructor(tracer: Tracer, metrics: Metrics, backendName: string) {
    this.#tracer = tracer;
    this.#metrics = metrics;
    this.#backendName = backendName;
  }

  start(operation: string, attributes: Attributes, parent: Context): Span {
    const span = startSpan(this.#tracer, SpanName.backend(operation), {}, parent, attributes);
    return span.setAttribute(Attribute.BACKEND, this.#backendName);
  }

  run<T>(
    operation: string,
    attributes: Attributes,
    parent: Context,
    work: (within: Context) => Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now();
    return inSpan(this.start(operation, attributes, parent), parent, work, (result) => {
      this.#metrics.record('sluice.backend.operation.duration', (performance.now() - startedAt) / 1000, {
        'sluice.backend': this.#backendName,
        'sluice.operation': operation,
        'sluice.result': result,
      });
    });
  }

  /** Notes on the span of a read, and among the downloads, how many bytes came. */
  async sized(within: Context, reading: Promise<Uint8Array>): Promise<Uint8Array> {
    const bytes = await reading;
    trace.getSpan(within)?.setAttribute(Attribute.BYTES, bytes.length);
    this.#metrics.add('sluice.download.io', bytes.length, { 'sluice.backend': this.#backendName });
    return bytes;
  }
}
