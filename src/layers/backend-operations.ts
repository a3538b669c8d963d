import { type Attributes, type Context, type Span, type Tracer, trace } from '@opentelemetry/api';
import { toFsErrorCode } from '../contract/errors.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { inSpan } from '../telemetry/spans.ts';

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
    // Attributes that are there at the start are checked three times by the SDK, later ones once.
    const span = this.#tracer.startSpan(SpanName.backend(operation), {}, parent);
    span.setAttribute(Attribute.BACKEND, this.#backendName);
    return span.setAttributes(attributes);
  }

  async run<T>(
    operation: string,
    attributes: Attributes,
    parent: Context,
    work: (within: Context) => Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now();
    let result = 'ok';
    try {
      return await inSpan(this.start(operation, attributes, parent), parent, work);
    } catch (error) {
      result = toFsErrorCode(error);
      throw error;
    } finally {
      this.#metrics.record('sluice.backend.operation.duration', (performance.now() - startedAt) / 1000, {
        'sluice.backend': this.#backendName,
        'sluice.operation': operation,
        'sluice.result': result,
      });
    }
  }

  /** Notes on the span of a read, and among the downloads, how many bytes came. */
  async sized(within: Context, reading: Promise<Uint8Array>): Promise<Uint8Array> {
    const bytes = await reading;
    trace.getSpan(within)?.setAttribute(Attribute.BYTES, bytes.length);
    this.#metrics.add('sluice.download.io', bytes.length, { 'sluice.backend': this.#backendName });
    return bytes;
  }
}
