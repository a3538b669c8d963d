import { createHash, randomUUID } from 'node:crypto';
import type { Answer } from './server.ts';
import type { Listed } from './store.ts';

export interface SqsAnswer extends Answer {
  /** The job that came with the request. */
  readonly job?: Listed;
}

/** SQS by its JSON protocol: SendMessage, whose digest the SDK checks, and what a server asks at its start. */
export function answerSqs(target: string, body: string): SqsAnswer {
  switch (target) {
    case 'AmazonSQS.SendMessage': {
      const { MessageBody } = JSON.parse(body) as { MessageBody: string };
      const digest = createHash('md5').update(MessageBody).digest('hex');
      return { ...json({ MessageId: randomUUID(), MD5OfMessageBody: digest }), job: toJob(MessageBody) };
    }
    case 'AmazonSQS.GetQueueAttributes':
      return json({ Attributes: { QueueArn: 'arn:aws:sqs:us-east-1:000000000000:jobs' } });
    default:
      return json({ __type: 'com.amazonaws.sqs#UnsupportedOperation' }, 400);
  }
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
