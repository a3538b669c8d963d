import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { type JobEvent, type UploadFailedEvent, uploadFailedEvent } from '../../src/jobs/event.ts';
import { createSqsClient } from '../../src/jobs/sqs-client.ts';
import { EventLog } from './event-log.ts';
import { TEST_CREDENTIALS, TEST_REGION } from './s3-subject.ts';
import type { Surroundings } from './service.ts';

/** A queue of failures and who reads it. */
export interface FailureQueue {
  readonly queueUrl: string;
  /** Every event that has arrived so far. */
  readonly events: readonly JobEvent[];
  /** Resolves with the event of a path, past or to come. */
  event(path: string): Promise<UploadFailedEvent>;
  close(): Promise<void>;
}

export async function createFailureQueue({ sqs }: Surroundings): Promise<FailureQueue> {
  const client = createSqsClient({
    endpoint: sqs.endpoint,
    region: TEST_REGION,
    credentials: TEST_CREDENTIALS,
  });
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: 'failures' }));
  const received = new EventLog();
  const stopping = new AbortController();

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Below the time after which the client gives up.
      const request = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2, MaxNumberOfMessages: 10 });
      const { Messages = [] } = await client.send(request, { abortSignal: stopping.signal });
      for (const { Body = '', ReceiptHandle } of Messages) {
        received.add(uploadFailedEvent.parse(JSON.parse(Body)));
        await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
  }

  const done = loop().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    queueUrl: QueueUrl,
    events: received.events,
    event: (path) => received.event('sluice.upload.failed.v1', path),
    close: async () => {
      stopping.abort();
      await done;
      client.destroy();
    },
  };
}
