import type { Message } from '@aws-sdk/client-sqs';
import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { UploadFinishedEvent } from 'sluice';
import { readEvent } from './event.ts';
import type { Logger } from './logger.ts';
import type { Outcome } from './process-upload.ts';
import { inSpan, traceOf } from './telemetry.ts';

export interface Handling {
  /** The queue's name. */
  readonly queue: string;
  readonly log: Logger;
  readonly process: (upload: UploadFinishedEvent) => Promise<Outcome>;
}

/** Resolves when the message may be deleted; rejects, after a line in the log, when it shall come again. */
export async function handleMessage(message: Message, { queue, log, process }: Handling): Promise<void> {
  const messageId = message.MessageId;
  try {
    const received = readEvent(message.Body);
    if ('otherType' in received) {
      log.info({ messageId, type: received.otherType }, 'skipped');
      return;
    }
    const { upload } = received;
    const options = { kind: SpanKind.CONSUMER, attributes: toAttributes(upload, message, queue) };
    await inSpan(`process ${queue}`, options, traceOf(upload), async (span) => {
      const outcome = await process(upload);
      log.info({ messageId, ...toFields(upload), traceId: span.spanContext().traceId }, outcome);
    });
  } catch (error) {
    log.error({ messageId, err: error }, 'not processed; the message comes again');
    throw error;
  }
}

function toFields({ id, data: { bucket, key, size } }: UploadFinishedEvent) {
  return { id, bucket, key, size };
}

/**
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ and
 * https://opentelemetry.io/docs/specs/semconv/cloudevents/cloudevents-spans/
 */
function toAttributes(
  { id, source, type }: UploadFinishedEvent,
  message: Message,
  queue: string,
): Attributes {
  return {
    'messaging.system': 'aws_sqs',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': queue,
    'messaging.message.id': message.MessageId ?? '',
    'messaging.message.body.size': Buffer.byteLength(message.Body ?? ''),
    'cloudevents.event_id': id,
    'cloudevents.event_source': source,
    'cloudevents.event_type': type,
  };
}
