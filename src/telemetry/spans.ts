import {
  type Context,
  context,
  isSpanContextValid,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { toFsErrorCode } from '../contract/errors.ts';
import { Attribute } from './instruments.ts';

/** Where errors were met last: whoever logs one that has left its span can still name it. */
const failedIn = new WeakMap<object, SpanContext>();

/** The trace in which an error was met. */
export function traceOfFailure(error: unknown): TraceFields {
  return typeof error === 'object' && error !== null ? toTraceFields(failedIn.get(error)) : {};
}

/**
 * Marks a span as failed: result, status and, once, the exception. The message is ours, never file content.
 * What was cancelled because nobody waits for it any more is a result, and no failure.
 */
export function failSpan(span: Span, error: unknown): void {
  const code = toFsErrorCode(error);
  if (typeof error === 'object' && error !== null) failedIn.set(error, span.spanContext());
  span.setAttribute(Attribute.RESULT, code);
  if (code === 'ECANCELED') return;
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : code });
  span.recordException(error instanceof Error ? error : String(error));
}

/**
 * Runs `work` with the span active until it first waits, then ends it: `ok`, or failed with what was thrown, which is rethrown.
 * `work` is told the span's context for what comes later.
 */
export async function inSpan<T>(
  span: Span,
  parent: Context,
  work: (within: Context) => Promise<T>,
): Promise<T> {
  const within = trace.setSpan(parent, span);
  try {
    const result = await context.with(within, work, undefined, within);
    span.setAttribute(Attribute.RESULT, 'ok');
    return result;
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** What roots are: spans of a server, in a trace of their own. */
export const ROOT = { kind: SpanKind.SERVER, root: true } as const;

/** Of a log line: the trace and the span that it belongs to. */
export interface TraceFields {
  readonly traceId?: string;
  readonly spanId?: string;
}

export function toTraceFields(span: SpanContext | undefined): TraceFields {
  if (span === undefined || !isSpanContextValid(span)) return {};
  return { traceId: span.traceId, spanId: span.spanId };
}
