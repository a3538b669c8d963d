import { setTimeout as pause } from 'node:timers/promises';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { MessageRefusedError } from './event-sender.ts';
import type { Message } from './message.ts';

/** SQS takes no more messages in one request. */
export const MAX_BATCH_MESSAGES = 10;

/** How often a message that the queue could not take is sent. */
const MAX_ATTEMPTS = 3;

/** Before the second attempt, in milliseconds; twice that before the third. */
const PAUSE_MS = 50;

/** In which a message is taken, all attempts together, or is not, in milliseconds: a client waits for it. */
const DEADLINE_MS = 4_000;

/** What SQS says to a whole request when it is a message of it that is wrong. */
const REFUSALS = /^(BatchRequestTooLong|InvalidMessageContents|InvalidAttributeValue|InvalidParameterValue)$/;

/** As below; where the whole request is refused for one of its messages, each goes by itself. */
export async function sendBatch(
  client: SQSClient,
  queueUrl: string,
  messages: readonly Message[],
): Promise<(Error | undefined)[]> {
  const failures = await sendTogether(client, queueUrl, messages);
  const isRefused = failures.every((failure) => failure instanceof MessageRefusedError);
  if (messages.length === 1 || !isRefused) return failures;
  return (await Promise.all(messages.map((message) => sendTogether(client, queueUrl, [message])))).flat();
}

/**
 * Sends messages in one request, and those once more that the queue could not take just then. Of each, in order:
 * undefined when the queue has it, else why not.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 */
async function sendTogether(
  client: SQSClient,
  queueUrl: string,
  messages: readonly Message[],
): Promise<(Error | undefined)[]> {
  const failures: (Error | undefined)[] = messages.map(() => new Error('the queue did not say'));
  let left = messages.map((_, index) => index);
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  for (let attempt = 1; left.length > 0 && attempt <= MAX_ATTEMPTS; attempt++) {
    if (attempt > 1) await pause(PAUSE_MS * 2 ** (attempt - 2));
    const Entries = left.map((index) => ({ Id: String(index), ...(messages[index] as Message).entry }));
    try {
      const { Successful = [], Failed = [] } = await client.send(
        new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
        { abortSignal: deadline },
      );
      for (const { Id } of Successful) failures[Number(Id)] = undefined;
      for (const { Id, SenderFault = false, Code = '', Message: text = '' } of Failed) {
        const what = `${Code}: ${text}`;
        failures[Number(Id)] = SenderFault ? new MessageRefusedError(what) : new Error(what);
      }
    } catch (error) {
      // The SDK has tried several times by now.
      for (const index of left) failures[index] = toFailure(error, deadline);
      return failures;
    }
    left = left.filter((index) => {
      const failure = failures[index];
      return failure !== undefined && !(failure instanceof MessageRefusedError);
    });
  }
  return failures;
}

function toFailure(error: unknown, deadline: AbortSignal): Error {
  if (deadline.aborted)
    return new Error(`the queue did not answer within ${DEADLINE_MS / 1000} s`, { cause: error });
  if (!(error instanceof Error)) return new Error(String(error));
  const code = error.name.replace(/^.*\./, '');
  return REFUSALS.test(code) ? new MessageRefusedError(`${code}: ${error.message}`, { cause: error }) : error;
}
