import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type JobEvent, jobEvent } from '../../jobs/event.ts';
import type { Emulators } from './emulators.ts';

/** Longest that one request waits for a message, in seconds (SQS long polling). */
const WAIT_SECONDS = 20;

/**
 * Receives events from the queue, as a consumer would, and hands on each before it is deleted; its message goes to the
 * queue of the user's own consumer too, if there is one. Returns what stops it.
 */
export function receiveJobs(
  { aws, queueUrl, consumerQueueUrl }: Omit<Emulators, 'consumerQueueUrl' | 'stop'> & Partial<Emulators>,
  onEvent: (event: JobEvent) => Promise<void>,
): () => Promise<void> {
  const client = new SQSClient({ ...aws, useQueueUrlAsEndpoint: false });
  const stopping = new AbortController();

  async function receive(): Promise<Message[]> {
    const request = {
      QueueUrl: queueUrl,
      WaitTimeSeconds: WAIT_SECONDS,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
    };
    const options = { abortSignal: stopping.signal };
    const { Messages } = await client.send(new ReceiveMessageCommand(request), options);
    return Messages ?? [];
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const { Body, MessageAttributes, ReceiptHandle } of await receive()) {
        await onEvent(jobEvent.parse(JSON.parse(Body ?? '')));
        if (consumerQueueUrl !== undefined) {
          const copy = { QueueUrl: consumerQueueUrl, MessageBody: Body, MessageAttributes };
          await client.send(new SendMessageCommand(copy));
        }
        await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      }
    }
  }

  const done = loop().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return async () => {
    stopping.abort();
    await done;
    client.destroy();
  };
}
