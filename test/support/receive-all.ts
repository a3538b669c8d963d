import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type JobEvent, jobEvent } from '../../src/jobs/event.ts';

/** Empties a queue: everything that is in it, in the order that it gives. */
export async function receiveAll(client: SQSClient, QueueUrl: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 0,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return all;
    all.push(...Messages);
    // The next of its group comes only when the one before has been dealt with.
    const Entries = Messages.map(({ ReceiptHandle = '' }, index) => ({ Id: String(index), ReceiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}

export async function receiveEvents(client: SQSClient, queueUrl: string): Promise<JobEvent[]> {
  return (await receiveAll(client, queueUrl)).map(({ Body = '' }) => jobEvent.parse(JSON.parse(Body)));
}
