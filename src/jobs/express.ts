import { createHash } from 'node:crypto';
import { SendMessageBatchCommand, type SendMessageBatchCommandOutput } from '@aws-sdk/client-sqs';
import type { ExpressCall } from '../aws/express-lane.ts';

/** Sending jobs: AWS JSON 1.0, in which the members of the input are those of the request (Amazon SQS API, SendMessageBatch). */
export const SQS_EXPRESS_CALLS: ReadonlyMap<unknown, ExpressCall> = new Map<unknown, ExpressCall>([
  [
    SendMessageBatchCommand,
    {
      placeOf: ({ QueueUrl }) => String(QueueUrl),
      write: (input) => ({ path: '/', headers: {}, body: JSON.stringify(input) }),
      read: async ({ body }, { Entries }) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
        const answer = JSON.parse(Buffer.concat(chunks).toString()) as SendMessageBatchCommandOutput;
        assertUntouched(answer, Entries as Sent);
        return answer;
      },
    },
  ],
]);

type Sent = readonly { readonly Id?: string; readonly MessageBody?: string }[];

/** As the SDK does: what the queue has taken is what was sent. */
function assertUntouched({ Successful = [] }: SendMessageBatchCommandOutput, sent: Sent): void {
  for (const { Id, MD5OfMessageBody, MessageId } of Successful) {
    const { MessageBody = '' } = sent.find((entry) => entry.Id === Id) ?? {};
    const md5 = createHash('md5').update(MessageBody).digest('hex');
    if (md5 !== MD5OfMessageBody) throw new Error(`Invalid MD5 checksum on messages: ${MessageId}`);
  }
}
