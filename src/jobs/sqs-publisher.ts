import type { SQSClient } from '@aws-sdk/client-sqs';
import type { JobsConfig } from '../config/load.ts';
import type { JobPublisher } from '../contract/jobs.ts';
import { Batcher } from './batcher.ts';
import { toUploadFinishedEvent } from './event.ts';
import { MAX_MESSAGE_BYTES, type Message, toMessage } from './message.ts';
import { MAX_BATCH_MESSAGES, sendBatch } from './send-batch.ts';

export interface SqsPublisherOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Names the service in the event's `source`. */
  readonly serviceName: string;
  /** Of a FIFO queue; the other ones keep no order. */
  readonly groupBy: JobsConfig['groupBy'];
}

/** Sends each job as one SQS message, those that come together in one request; deduplicated by a FIFO queue. */
export function createSqsPublisher({
  client,
  queueUrl,
  serviceName,
  groupBy,
}: SqsPublisherOptions): JobPublisher {
  const group = queueUrl.endsWith('.fifo') ? groupBy : undefined;
  const batcher = new Batcher<Message>({
    maxItems: MAX_BATCH_MESSAGES,
    maxBytes: MAX_MESSAGE_BYTES,
    sizeOf: ({ bytes }) => bytes,
    send: (messages) => sendBatch(client, queueUrl, messages),
  });
  return {
    expect: () => batcher.expect(),
    publish: (upload, trace = {}) =>
      batcher.add(toMessage(toUploadFinishedEvent(upload, { serviceName, trace }), trace, group)),
    close: async () => {
      await batcher.settled();
      client.destroy();
    },
  };
}
