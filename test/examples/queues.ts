import { randomUUID } from 'node:crypto';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Surroundings } from '../support/service.ts';

export interface Queue {
  readonly url: string;
  /** Sends the body of a job; a FIFO queue has it in a group of its own. */
  send(event: object | string): Promise<void>;
  /** Waits for messages, takes them out and returns their bodies. */
  take(count: number): Promise<string[]>;
  /** How many there are, those in somebody's hands included. */
  size(): Promise<number>;
}

/** A queue of its own, so that no test meets another's messages. */
export async function createQueue(
  { env }: Surroundings,
  name: string,
  attributes: Readonly<Record<string, string>> = {},
): Promise<Queue> {
  const sqs = createSqsClient(env);
  const isFifo = name.endsWith('.fifo');
  const { QueueUrl = '' } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: { ...attributes, ...(isFifo ? { FifoQueue: 'true' } : {}) },
    }),
  );
  return openQueue({ env }, QueueUrl);
}

/** A queue that is there. */
export function openQueue({ env }: Pick<Surroundings, 'env'>, url: string): Queue {
  const sqs = createSqsClient(env);
  return {
    url,
    send: async (event) => {
      const body = typeof event === 'string' ? event : JSON.stringify(event);
      const fifo = { MessageGroupId: randomUUID(), MessageDeduplicationId: randomUUID() };
      await sqs.send(
        new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...(url.endsWith('.fifo') ? fifo : {}) }),
      );
    },
    take: async (count) => {
      const bodies: string[] = [];
      while (bodies.length < count) {
        const request = { QueueUrl: url, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 };
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
        for (const { Body = '', ReceiptHandle } of Messages) {
          bodies.push(Body);
          await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
        }
      }
      return bodies;
    },
    size: async () => {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: url,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
    },
  };
}

function createSqsClient(env: Surroundings['env']): SQSClient {
  return new SQSClient({
    endpoint: env['AWS_ENDPOINT_URL_SQS'] ?? '',
    region: env['AWS_REGION'] ?? '',
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}
