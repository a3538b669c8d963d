import { setTimeout as pause } from 'node:timers/promises';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Message } from './message.ts';

/** SQS takes no more messages in one request. */
export const MAX_BATCH_MESSAGES = 10;

/** How often a message that the queue could not take is sent. */
const MAX_ATTEMPTS = 3;

/** Before the second attempt, in milliseconds; twice that before the third. */
const PAUSE_MS = 50;

/** The queue has refused a message for what it is: it would again. */
export class MessageRefusedError extends Error {
  override name = 'MessageRefusedError';
}

/**
 * Sends messages in one request, and those once more that the queue could not take just then. Of each, in order:
 * undefined when the queue has it, else why not.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 */
export async function sendBatch(
  client: SQSClient,
  queueUrl: string,
  messages: readonly Message[],
): Promise<(Error | undefined)[]> {
  const failures: (Error | undefined)[] = messages.map(() => new Error('the queue did not say'));
  let left = messages.map((_, index) => index);
  for (let attempt = 1; left.length > 0 && attempt <= MAX_ATTEMPTS; attempt++) {
    if (attempt > 1) await pause(PAUSE_MS * 2 ** (attempt - 2));
    const Entries = left.map((index) => ({ Id: String(index), ...(messages[index] as Message).entry }));
    try {
      const { Successful = [], Failed = [] } = await client.send(
        new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
      );
      for (const { Id } of Successful) failures[Number(Id)] = undefined;
      for (const { Id, SenderFault = false, Code = '', Message: text = '' } of Failed) {
        const what = `${Code}: ${text}`;
        failures[Number(Id)] = SenderFault ? new MessageRefusedError(what) : new Error(what);
      }
    } catch (error) {
      // The SDK has tried several times by now.
      for (const index of left) failures[index] = error as Error;
      return failures;
    }
    left = left.filter((index) => {
      const failure = failures[index];
      return failure !== undefined && !(failure instanceof MessageRefusedError);
    });
  }
  return failures;
}
