import {
  type Context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ActivityListener, SentJob } from '../contract/activity.ts';
import type { TraceContext } from '../contract/context.ts';
import type { AnnouncedJob, JobPlace, JobPublisher } from '../contract/jobs.ts';
import { Attribute, SpanName, sqsSendAttributes } from '../telemetry/instruments.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { inSpan, startSpan, toTraceFields } from '../telemetry/spans.ts';
import { fromTraceContext, toTraceContext } from '../telemetry/trace-context.ts';

export interface PublisherTelemetryOptions {
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly listener: ActivityListener | undefined;
  /** Undefined where the publisher sends to no queue of SQS. */
  readonly queueUrl: string | undefined;
  /** Where failures are reported. */
  readonly failureQueueUrl?: string | undefined;
}

interface Sending {
  readonly to: string | undefined;
  readonly id: string;
  readonly type: SentJob['type'];
  readonly path: string;
  readonly parent: Context;
  readonly links?: Link[];
}

/**
 * A PRODUCER span around each event that is sent; the event carries it, so that the consumer goes on from there. It belongs to
 * the trace of the upload, also where that ended before: then it is linked to the request that gave the job.
 */
export function withPublisherTelemetry(
  publisher: JobPublisher,
  { tracer, metrics, listener, queueUrl, failureQueueUrl = queueUrl }: PublisherTelemetryOptions,
): JobPublisher {
  function sent(
    { to, id, type, path, parent, links = [] }: Sending,
    send: (trace: TraceContext) => Promise<JobPlace>,
  ): Promise<JobPlace> {
    const destination = to === undefined ? {} : sqsSendAttributes(to);
    const attributes = { ...destination, [Attribute.UPLOAD_ID]: id };
    const name = to === undefined ? SpanName.JOB_PUBLISH : SpanName.SQS_SEND;
    const span = startSpan(tracer, name, { kind: SpanKind.PRODUCER, links }, parent, attributes);
    const tell = (place: SentJob['place']) => {
      metrics.add('sluice.jobs', 1, { 'sluice.job.type': type, 'sluice.job.place': place });
      const { traceId } = toTraceFields(span.spanContext());
      listener?.jobSent({ id, type, path, sentAt: new Date(), place, traceId });
    };
    return inSpan(span, parent, async () => {
      try {
        const placed = await send(toTraceContext(span.spanContext()));
        span.setAttribute(Attribute.JOB_PLACE, placed);
        tell(placed);
        return placed;
      } catch (error) {
        tell('nowhere');
        throw error;
      }
    });
  }

  return {
    announce: async (delivery, requested = {}): Promise<AnnouncedJob> => {
      const { id, path } = delivery;
      const type = delivery.renamedFrom === undefined ? 'finished' : 'renamed';
      const requesting = fromTraceContext(requested) ?? ROOT_CONTEXT;
      const uploaded = delivery.uploadTrace && fromTraceContext(delivery.uploadTrace);
      const parent = uploaded ?? requesting;
      const job = await publisher.announce(delivery, toTraceContext(trace.getSpanContext(parent)));
      return {
        publish: (stored) => {
          const links = uploaded === undefined ? [] : linksTo(trace.getSpanContext(requesting));
          return sent({ to: queueUrl, id, type, path, parent, links }, (trace) => job.publish(stored, trace));
        },
        withdraw: () => job.withdraw(),
      };
    },
    reportFailure: (failure, failed = {}) =>
      sent(
        {
          to: failureQueueUrl,
          id: failure.id,
          type: 'failed',
          path: failure.path,
          parent: fromTraceContext(failed) ?? ROOT_CONTEXT,
        },
        async (trace) => {
          const placed = await publisher.reportFailure(failure, trace);
          if (placed === undefined) throw new Error('the report is lost');
          return placed;
        },
      ).catch(() => undefined),
    close: () => publisher.close(),
  };
}

function linksTo(span: ReturnType<typeof trace.getSpanContext>): Link[] {
  return span !== undefined && isSpanContextValid(span) ? [{ context: span }] : [];
}
