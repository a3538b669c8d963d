import { type AttributeValue, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import type { RecordedAttributes, RecordedSpan, RecordedValue } from '../contract/activity.ts';

/** Longest text that is kept of an attribute: clients choose paths, and stacks are long. */
const MAX_TEXT = 2000;
const MAX_ATTRIBUTES = 64;
const MAX_EVENTS = 16;
const MAX_LINKS = 16;
const MAX_VALUES = 16;

const KINDS: Readonly<Record<SpanKind, RecordedSpan['kind']>> = {
  [SpanKind.INTERNAL]: 'internal',
  [SpanKind.SERVER]: 'server',
  [SpanKind.CLIENT]: 'client',
  [SpanKind.PRODUCER]: 'producer',
  [SpanKind.CONSUMER]: 'consumer',
};

/** A span as plain data of bounded size. One that has not ended yet is told as it is now. */
export function toRecordedSpan(span: ReadableSpan): RecordedSpan {
  const { status } = span;
  return {
    name: span.name,
    kind: KINDS[span.kind],
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    startMs: toMilliseconds(span.startTime),
    endMs: span.ended ? toMilliseconds(span.endTime) : undefined,
    attributes: toAttributes(span.attributes),
    error: status.code === SpanStatusCode.ERROR ? cut(status.message ?? 'failed') : undefined,
    events: span.events.slice(0, MAX_EVENTS).map(({ name, time, attributes }) => ({
      name: cut(name),
      atMs: toMilliseconds(time),
      attributes: toAttributes(attributes ?? {}),
    })),
    links: span.links.slice(0, MAX_LINKS).map(({ context: { traceId, spanId } }) => ({ traceId, spanId })),
  };
}

function toAttributes(attributes: Readonly<Record<string, AttributeValue | undefined>>): RecordedAttributes {
  const kept = Object.entries(attributes).slice(0, MAX_ATTRIBUTES);
  return Object.fromEntries(
    kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, toValue(value)]])),
  );
}

function toValue(value: AttributeValue): RecordedValue {
  if (!Array.isArray(value)) return typeof value === 'string' ? cut(value) : (value as number | boolean);
  const present = value.filter((each) => each !== null && each !== undefined);
  return present.slice(0, MAX_VALUES).map((each) => (typeof each === 'string' ? cut(each) : each));
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

function toMilliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
