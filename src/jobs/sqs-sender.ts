import type { SQSClient } from '@aws-sdk/client-sqs';
import type { JobsConfig } from '../config/load.ts';
import { Batcher } from './batcher.ts';
import type { EventSender } from './event-sender.ts';
import { MAX_MESSAGE_BYTES, type Message, toMessage } from './message.ts';
import { MAX_BATCH_MESSAGES, sendBatch } from './send-batch.ts';

export interface SqsSenderOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Of a FIFO queue; the other ones keep no order. */
  readonly groupBy: JobsConfig['groupBy'];
}

/** Sends each event as one SQS message, those that come together in one request; deduplicated by a FIFO queue. */
export function createSqsSender({ client, queueUrl, groupBy }: SqsSenderOptions): EventSender {
  const group = queueUrl.endsWith('.fifo') ? groupBy : undefined;
  const batcher = new Batcher<Message>({
    maxItems: MAX_BATCH_MESSAGES,
    maxBytes: MAX_MESSAGE_BYTES,
    sizeOf: ({ bytes }) => bytes,
    send: (messages) => sendBatch(client, queueUrl, messages),
  });
  return {
    expect: () => batcher.expect(),
    send: (event) => batcher.add(toMessage(event, group)),
    close: async () => {
      await batcher.settled();
      client.destroy();
    },
  };
}
