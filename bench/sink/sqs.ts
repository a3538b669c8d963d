import { createHash, randomUUID } from 'node:crypto';
import type { Answer } from './server.ts';

export interface SqsAnswer extends Answer {
  readonly isJob: boolean;
}

/** SQS by its JSON protocol: SendMessage, whose digest the SDK checks, and what a server asks at its start. */
export function answerSqs(target: string, body: string): SqsAnswer {
  switch (target) {
    case 'AmazonSQS.SendMessage': {
      const { MessageBody } = JSON.parse(body) as { MessageBody: string };
      const digest = createHash('md5').update(MessageBody).digest('hex');
      return { ...json({ MessageId: randomUUID(), MD5OfMessageBody: digest }), isJob: true };
    }
    case 'AmazonSQS.GetQueueAttributes':
      return {
        ...json({ Attributes: { QueueArn: 'arn:aws:sqs:us-east-1:000000000000:jobs' } }),
        isJob: false,
      };
    default:
      return { ...json({ __type: 'com.amazonaws.sqs#UnsupportedOperation' }, 400), isJob: false };
  }
}

function json(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify(value) };
}
