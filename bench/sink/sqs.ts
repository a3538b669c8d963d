import { createHash, randomUUID } from 'node:crypto';
import type { Answer } from './server.ts';
import type { Listed } from './store.ts';

export interface SqsAnswer extends Answer {
  /** The jobs that came with the request. */
  readonly jobs?: readonly Listed[];
}

/** SQS by its JSON protocol: messages, whose digests the SDK checks, and what a server asks at its start. */
export function answerSqs(target: string, body: string): SqsAnswer {
  switch (target) {
    case 'AmazonSQS.SendMessage': {
      const { MessageBody } = JSON.parse(body) as { MessageBody: string };
      return { ...json(toReceipt(MessageBody)), jobs: [toJob(MessageBody)] };
    }
    case 'AmazonSQS.SendMessageBatch': {
      const { Entries } = JSON.parse(body) as { Entries: { Id: string; MessageBody: string }[] };
      const Successful = Entries.map(({ Id, MessageBody }) => ({ Id, ...toReceipt(MessageBody) }));
      const jobs = Entries.map(({ MessageBody }) => toJob(MessageBody));
      return { ...json({ Successful, Failed: [] }), jobs };
    }
    case 'AmazonSQS.GetQueueAttributes':
      return json({ Attributes: { QueueArn: 'arn:aws:sqs:us-east-1:000000000000:jobs' } });
    default:
      return json({ __type: 'com.amazonaws.sqs#UnsupportedOperation' }, 400);
  }
}

function toReceipt(body: string) {
  return { MessageId: randomUUID(), MD5OfMessageBody: createHash('md5').update(body).digest('hex') };
}

/** What a job says of its object, for the harness to compare with the object. */
function toJob(body: string): Listed {
  const { data } = JSON.parse(body) as {
    data?: { key?: string; size?: number; checksum?: { value?: string } };
  };
  return { key: data?.key ?? '', size: data?.size ?? 0, crc32: data?.checksum?.value ?? null };
}

function json(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify(value) };
}
