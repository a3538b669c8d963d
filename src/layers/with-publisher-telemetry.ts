import {
  context,
  isSpanContextValid,
  type SpanContext,
  SpanKind,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import type { JobPublisher, TraceContext } from '../contract/jobs.ts';
import { Attribute, SpanName, sqsSendAttributes } from '../telemetry/instruments.ts';
import { inSpan } from '../telemetry/spans.ts';

/** A PRODUCER span around each job that is sent; the job carries it, so that the consumer goes on from there. */
export function withPublisherTelemetry(
  publisher: JobPublisher,
  { tracer, queueUrl }: { readonly tracer: Tracer; readonly queueUrl: string },
): JobPublisher {
  return {
    expect: () => publisher.expect(),
    publish: (upload) => {
      const span = tracer.startSpan(SpanName.SQS_SEND, {
        kind: SpanKind.PRODUCER,
        attributes: { ...sqsSendAttributes(queueUrl), [Attribute.UPLOAD_ID]: upload.id },
      });
      return inSpan(span, context.active(), () =>
        publisher.publish(upload, toTraceContext(span.spanContext())),
      );
    },
    close: () => publisher.close(),
  };
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; nothing where tracing is off. */
function toTraceContext(span: SpanContext): TraceContext {
  if (!isSpanContextValid(span)) return {};
  const { traceId, spanId, traceFlags, traceState } = span;
  const sampled = traceFlags & TraceFlags.SAMPLED ? '01' : '00';
  return {
    traceparent: `00-${traceId}-${spanId}-${sampled}`,
    ...(traceState === undefined ? {} : { tracestate: traceState.serialize() }),
  };
}
