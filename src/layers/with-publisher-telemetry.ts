import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { AnnouncedJob, JobPlace, JobPublisher, TraceContext } from '../contract/jobs.ts';
import { Attribute, SpanName, sqsSendAttributes } from '../telemetry/instruments.ts';
import { inSpan } from '../telemetry/spans.ts';
import { fromTraceContext, toTraceContext } from '../telemetry/trace-context.ts';

export interface PublisherTelemetryOptions {
  readonly tracer: Tracer;
  readonly queueUrl: string;
  /** Where failures are reported. */
  readonly failureQueueUrl?: string | undefined;
}

interface Sending {
  readonly to: string;
  readonly id: string;
  readonly parent: Context;
  readonly links?: Link[];
}

/**
 * A PRODUCER span around each event that is sent; the event carries it, so that the consumer goes on from there. It belongs to
 * the trace of the upload, also where that ended before: then it is linked to the request that gave the job.
 */
export function withPublisherTelemetry(
  publisher: JobPublisher,
  { tracer, queueUrl, failureQueueUrl = queueUrl }: PublisherTelemetryOptions,
): JobPublisher {
  function sent(
    { to, id, parent, links = [] }: Sending,
    send: (trace: TraceContext) => Promise<JobPlace>,
  ): Promise<JobPlace> {
    const attributes = { ...sqsSendAttributes(to), [Attribute.UPLOAD_ID]: id };
    const span = tracer.startSpan(SpanName.SQS_SEND, { kind: SpanKind.PRODUCER, attributes, links }, parent);
    return inSpan(span, parent, async () => {
      const placed = await send(toTraceContext(span.spanContext()));
      span.setAttribute(Attribute.JOB_PLACE, placed);
      return placed;
    });
  }

  return {
    announce: async (delivery, given): Promise<AnnouncedJob> => {
      const { id } = delivery;
      const requested = context.active();
      const uploaded = delivery.uploadTrace && fromTraceContext(delivery.uploadTrace);
      const parent = uploaded ?? requested;
      const job = await publisher.announce(delivery, given ?? toTraceContext(trace.getSpanContext(parent)));
      return {
        publish: (stored) => {
          const links = uploaded === undefined ? [] : linksTo(trace.getSpanContext(requested));
          return sent({ to: queueUrl, id, parent, links }, (trace) => job.publish(stored, trace));
        },
        withdraw: () => job.withdraw(),
      };
    },
    reportFailure: (failure) =>
      sent({ to: failureQueueUrl, id: failure.id, parent: context.active() }, async (trace) => {
        const placed = await publisher.reportFailure(failure, trace);
        if (placed === undefined) throw new Error('the report is lost');
        return placed;
      }).catch(() => undefined),
    close: () => publisher.close(),
  };
}

function linksTo(span: ReturnType<typeof trace.getSpanContext>): Link[] {
  return span !== undefined && isSpanContextValid(span) ? [{ context: span }] : [];
}
