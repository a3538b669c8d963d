import { type MessageAttributeValue, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { JobPublisher, TraceContext } from '../contract/jobs.ts';
import { toUploadFinishedEvent } from './event.ts';

export interface SqsPublisherOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Names the service in the event's `source`. */
  readonly serviceName: string;
}

/**
 * Sends each job as one SQS message. The trace context travels in the event and beside it: as message attributes,
 * and as `AWSTraceHeader` for X-Ray. On a FIFO queue jobs are ordered per user and deduplicated by their id.
 */
export function createSqsPublisher({ client, queueUrl, serviceName }: SqsPublisherOptions): JobPublisher {
  return {
    publish: async (upload, trace = {}) => {
      const event = toUploadFinishedEvent(upload, { serviceName, trace });
      const xray = trace.traceparent === undefined ? undefined : toXRayHeader(trace.traceparent);
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify(event),
          MessageAttributes: toAttributes(trace),
          ...(xray === undefined ? {} : { MessageSystemAttributes: { AWSTraceHeader: text(xray) } }),
          ...(queueUrl.endsWith('.fifo')
            ? { MessageGroupId: upload.principal.username, MessageDeduplicationId: upload.id }
            : {}),
        }),
      );
    },
    close: async () => client.destroy(),
  };
}

function toAttributes(trace: TraceContext): Record<string, MessageAttributeValue> {
  const attributes: Record<string, MessageAttributeValue> = {};
  if (trace.traceparent) attributes['traceparent'] = text(trace.traceparent);
  if (trace.tracestate) attributes['tracestate'] = text(trace.tracestate);
  return attributes;
}

function text(value: string): MessageAttributeValue & { DataType: 'String' } {
  return { DataType: 'String', StringValue: value };
}

/** https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader */
function toXRayHeader(traceparent: string): string | undefined {
  const [, traceId, spanId, flags] = traceparent.split('-');
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const sampled = Number.parseInt(flags, 16) & 1;
  return `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${spanId};Sampled=${sampled}`;
}
