import type { Span } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { RecordedSpan, RecordedTrace } from '../contract/activity.ts';
import { SpanName } from './instruments.ts';
import { toRecordedSpan } from './recorded-span.ts';

export interface TraceLimits {
  readonly traces: number;
  /** Of all traces together. */
  readonly spans: number;
  /** Kept of each trace: as many that ended first, that ended last, and that failed between them. */
  readonly first: number;
  readonly last: number;
  readonly failed: number;
}

/** About 10 MiB where spans are of the usual size. An upload has few spans unless it has many parts. */
const LIMITS: TraceLimits = { traces: 400, spans: 10_000, first: 100, last: 60, failed: 20 };

/** What is kept of one upload's trace. */
class Recording {
  /** The upload itself: always kept, since without it there is nothing to hang the others on. */
  readonly root: ReadableSpan;
  /** Spans that go on, by id; no more than are kept. */
  readonly open = new Map<string, ReadableSpan>();
  readonly #limits: TraceLimits;
  readonly #first: RecordedSpan[] = [];
  readonly #failed: RecordedSpan[] = [];
  readonly #last: RecordedSpan[] = [];
  #leftOut = 0;

  constructor(root: ReadableSpan, limits: TraceLimits) {
    this.root = root;
    this.#limits = limits;
  }

  get spanCount(): number {
    return 1 + this.#first.length + this.#failed.length + this.#last.length;
  }

  start(span: ReadableSpan): void {
    if (this.open.size < this.#limits.last) this.open.set(span.spanContext().spanId, span);
  }

  end(span: ReadableSpan): void {
    this.open.delete(span.spanContext().spanId);
    const recorded = toRecordedSpan(span);
    if (this.#first.length < this.#limits.first) this.#first.push(recorded);
    else this.#last.push(recorded);
    if (this.#last.length <= this.#limits.last) return;
    const oldest = this.#last.shift() as RecordedSpan;
    if (oldest.error !== undefined && this.#failed.length < this.#limits.failed) this.#failed.push(oldest);
    else this.#leftOut += 1;
  }

  trace(): RecordedTrace {
    const running = [this.root, ...this.open.values()].map(toRecordedSpan);
    return { spans: [...running, ...this.#first, ...this.#failed, ...this.#last], leftOut: this.#leftOut };
  }
}

/**
 * Keeps the traces of the most recent uploads, each with its first spans, its last ones and those that failed, so that
 * memory stays bounded however many uploads there are and however many parts they have. All other traces pass by.
 */
export class RecentTraces implements SpanProcessor {
  readonly #limits: TraceLimits;
  /** By trace id, oldest first. */
  readonly #recordings = new Map<string, Recording>();
  readonly #listeners = new Set<(traceId: string) => void>();
  #spanCount = 0;

  constructor(limits: Partial<TraceLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** The spans so far; undefined for what is no upload's trace, or not kept any more. */
  trace(traceId: string): RecordedTrace | undefined {
    return this.#recordings.get(traceId)?.trace();
  }

  hasEnded(traceId: string): boolean {
    return this.#recordings.get(traceId)?.root.ended ?? false;
  }

  /** Calls the listener when an upload's own span has ended, kept or not; returns what stops that. */
  onUploadEnded(listener: (traceId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onStart(started: Span): void {
    const span = started as unknown as ReadableSpan;
    const { traceId } = span.spanContext();
    const recording = this.#recordings.get(traceId);
    if (recording !== undefined) recording.start(span);
    else if (span.name === SpanName.UPLOAD) this.#keep(traceId, new Recording(span, this.#limits));
  }

  onEnd(span: ReadableSpan): void {
    const { traceId } = span.spanContext();
    if (span.name === SpanName.UPLOAD) {
      for (const listener of this.#listeners) listener(traceId);
      return;
    }
    const recording = this.#recordings.get(traceId);
    if (recording === undefined) return;
    const before = recording.spanCount;
    recording.end(span);
    this.#spanCount += recording.spanCount - before;
    this.#forget();
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {
    this.#listeners.clear();
  }

  #keep(traceId: string, recording: Recording): void {
    this.#recordings.set(traceId, recording);
    this.#spanCount += recording.spanCount;
    this.#forget();
  }

  #forget(): void {
    while (this.#recordings.size > this.#limits.traces || this.#spanCount > this.#limits.spans) {
      const [traceId, recording] = this.#oldest();
      this.#recordings.delete(traceId);
      this.#spanCount -= recording.spanCount;
    }
  }

  /** Uploads in progress are let go last: nobody has seen yet how they end. */
  #oldest(): [string, Recording] {
    for (const entry of this.#recordings) if (entry[1].root.ended) return entry;
    return this.#recordings.entries().next().value as [string, Recording];
  }
}
