import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Attribute, SpanName } from '../../telemetry/instruments.ts';

export type EndedSpan = ReadableSpan;

/** Traces kept at once: the oldest go first when nobody asks for them. */
const MAX_TRACES = 1000;

/** Gathers the spans of uploads until the whole trace of one is there. */
export class TraceCollector implements SpanProcessor {
  readonly #spans = new Map<string, EndedSpan[]>();
  readonly #waiting = new Map<string, (spans: EndedSpan[]) => void>();
  #onFailedUpload: (spans: EndedSpan[]) => void = () => undefined;

  onStart(): void {}

  onEnd(span: EndedSpan): void {
    const { traceId } = span.spanContext();
    const spans = this.#spans.get(traceId) ?? [];
    spans.push(span);
    this.#spans.set(traceId, spans);
    if (span.parentSpanContext === undefined) this.#onRootEnded(traceId, span, spans);
    const oldest = this.#spans.keys().next().value;
    if (this.#spans.size > MAX_TRACES && oldest !== undefined) this.#spans.delete(oldest);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  onFailedUpload(listener: (spans: EndedSpan[]) => void): void {
    this.#onFailedUpload = listener;
  }

  /** The spans of the upload that a job is about, once its root has ended. */
  ofJob({ traceparent }: { readonly traceparent?: string | undefined }): Promise<EndedSpan[]> {
    const traceId = traceparent?.split('-')[1] ?? '';
    const spans = this.#spans.get(traceId);
    if (spans?.some(isRoot)) {
      this.#spans.delete(traceId);
      return Promise.resolve(spans);
    }
    return new Promise((resolve) => this.#waiting.set(traceId, resolve));
  }

  #onRootEnded(traceId: string, root: EndedSpan, spans: EndedSpan[]): void {
    const waiting = this.#waiting.get(traceId);
    const failed = root.status.code === SpanStatusCode.ERROR;
    if (root.name !== SpanName.UPLOAD || failed || waiting !== undefined) this.#spans.delete(traceId);
    this.#waiting.delete(traceId);
    waiting?.(spans);
    if (root.name === SpanName.UPLOAD && failed) this.#onFailedUpload(spans);
  }
}

function isRoot(span: EndedSpan): boolean {
  return span.parentSpanContext === undefined;
}

/** A span's attribute as text, for people. */
export function attributeOf(span: EndedSpan | undefined, name: keyof typeof Attribute): string | undefined {
  const value = span?.attributes[Attribute[name]];
  return value === undefined ? undefined : String(value);
}
