import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import type { TraceContext } from '../contract/context.ts';
import type { TraceFields } from './spans.ts';

/** https://www.w3.org/TR/trace-context/#traceparent-header; nothing where tracing is off. */
export function toTraceContext(span: SpanContext | undefined): TraceContext {
  if (span === undefined || !isSpanContextValid(span)) return {};
  const { traceId, spanId, traceFlags, traceState } = span;
  const sampled = traceFlags & TraceFlags.SAMPLED ? '01' : '00';
  return {
    traceparent: `00-${traceId}-${spanId}-${sampled}`,
    ...(traceState === undefined ? {} : { tracestate: traceState.serialize() }),
  };
}

/** The context in which that trace goes on; undefined when it names none. */
export function fromTraceContext({ traceparent }: TraceContext): Context | undefined {
  const span = traceparent === undefined ? null : parseTraceParent(traceparent);
  return span === null ? undefined : trace.setSpanContext(ROOT_CONTEXT, span);
}

/** Of a log line: the trace and the span that it belongs to. */
export function toTraceIds({ traceparent }: TraceContext): TraceFields {
  const [, traceId, spanId] = traceparent?.split('-') ?? [];
  return traceId === undefined || spanId === undefined ? {} : { traceId, spanId };
}
