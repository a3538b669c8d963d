import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
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
 * @returns the result, a POSIX code
 */
export function failSpan(span: Span, error: unknown): string {
  const code = toFsErrorCode(error);
  if (typeof error === 'object' && error !== null) failedIn.set(error, span.spanContext());
  span.setAttribute(Attribute.RESULT, code);
  if (code === 'ECANCELED') return code;
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : code });
  span.recordException(error instanceof Error ? error : String(error));
  return code;
}

/**
 * Runs `work` with the span active until it first waits, then ends it: `ok`, or failed with what was thrown, which is rethrown.
 * `work` is told the span's context for what comes later, `onEnd` the result: `ok` or the POSIX code.
 */
export async function inSpan<T>(
  span: Span,
  parent: Context,
  work: (within: Context) => Promise<T>,
  onEnd?: (result: string) => void,
): Promise<T> {
  const within = trace.setSpan(parent, span);
  let result = 'ok';
  try {
    const value = await context.with(within, work, undefined, within);
    span.setAttribute(Attribute.RESULT, result);
    return value;
  } catch (error) {
    result = failSpan(span, error);
    throw error;
  } finally {
    span.end();
    onEnd?.(result);
  }
}

/** Starts a span. Attributes that are there at the start are checked three times by the SDK, later ones once. */
export function startSpan(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  parent: Context,
  attributes: Attributes,
): Span {
  return tracer.startSpan(name, options, parent).setAttributes(attributes);
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
