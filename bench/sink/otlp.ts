import { fieldsOf, type Value } from '../../test/support/otlp-protobuf.ts';
import type { Answer } from './server.ts';

export interface OtlpAnswer {
  readonly answer: Answer;
  /** How many came; undefined of metrics. */
  readonly spans?: number;
}

/** An empty Export*ServiceResponse: all was taken (https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
const TAKEN: Answer = { status: 200, headers: { 'content-type': 'application/x-protobuf' } };

const TRACES = '/v1/traces';
const METRICS = '/v1/metrics';

/** ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans, ScopeSpans.spans (trace.proto). */
const PATH_TO_SPANS = [1, 2, 2];

export function isOtlp({ pathname }: URL): boolean {
  return pathname === TRACES || pathname === METRICS;
}

/** Takes traces as protobuf, without reading more of them than how many spans there are, and metrics unread. */
export function answerOtlp({ pathname }: URL, body: Buffer): OtlpAnswer {
  return pathname === METRICS ? { answer: TAKEN } : { answer: TAKEN, spans: countAt(body, PATH_TO_SPANS) };
}

/** How often a path of field numbers leads to something. */
function countAt(message: Value, [first, ...rest]: readonly number[]): number {
  if (first === undefined) return 1;
  if (!Buffer.isBuffer(message)) return 0;
  let count = 0;
  for (const [number, value] of fieldsOf(message)) if (number === first) count += countAt(value, rest);
  return count;
}
