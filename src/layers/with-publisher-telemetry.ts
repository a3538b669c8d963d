import { context, isSpanContextValid, type Link, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import type { AnnouncedJob, JobPublisher } from '../contract/jobs.ts';
import { Attribute, SpanName, sqsSendAttributes } from '../telemetry/instruments.ts';
import { inSpan } from '../telemetry/spans.ts';
import { fromTraceContext, toTraceContext } from '../telemetry/trace-context.ts';

/**
 * A PRODUCER span around each job that is sent; the job carries it, so that the consumer goes on from there. It belongs to
 * the trace of the upload, also where that ended before: then it is linked to the request that gave the job.
 */
export function withPublisherTelemetry(
  publisher: JobPublisher,
  { tracer, queueUrl }: { readonly tracer: Tracer; readonly queueUrl: string },
): JobPublisher {
  return {
    announce: async (delivery, given): Promise<AnnouncedJob> => {
      const requested = context.active();
      const uploaded = delivery.uploadTrace && fromTraceContext(delivery.uploadTrace);
      const parent = uploaded ?? requested;
      const job = await publisher.announce(delivery, given ?? toTraceContext(trace.getSpanContext(parent)));
      return {
        publish: (stored) => {
          const attributes = { ...sqsSendAttributes(queueUrl), [Attribute.UPLOAD_ID]: delivery.id };
          const links = uploaded === undefined ? [] : linksTo(trace.getSpanContext(requested));
          const span = tracer.startSpan(
            SpanName.SQS_SEND,
            { kind: SpanKind.PRODUCER, attributes, links },
            parent,
          );
          return inSpan(span, parent, async () => {
            const placed = await job.publish(stored, toTraceContext(span.spanContext()));
            span.setAttribute(Attribute.JOB_PLACE, placed);
            return placed;
          });
        },
        withdraw: () => job.withdraw(),
      };
    },
    close: () => publisher.close(),
  };
}

function linksTo(span: ReturnType<typeof trace.getSpanContext>): Link[] {
  return span !== undefined && isSpanContextValid(span) ? [{ context: span }] : [];
}
