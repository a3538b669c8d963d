import { createHash } from 'node:crypto';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Emulators, startEmulators } from '../../src/cli/dev/emulators.ts';
import type { FinishedUpload, JobPublisher } from '../../src/contract/jobs.ts';
import { toUploadFinishedEvent, uploadFinishedEvent } from '../../src/jobs/event.ts';
import { toMessage } from '../../src/jobs/message.ts';
import { MessageRefusedError } from '../../src/jobs/send-batch.ts';
import { createSqsClient } from '../../src/jobs/sqs-client.ts';
import { createSqsPublisher } from '../../src/jobs/sqs-publisher.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';

const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
const SEND = { target: 'AmazonSQS.SendMessageBatch' };

let emulators: Emulators;
let proxy: FaultProxy;
let client: SQSClient;
let publisher: JobPublisher;
let sentBefore: number;

beforeAll(async () => {
  emulators = await startEmulators();
  proxy = await startFaultProxy(emulators.aws.endpoint);
});
afterAll(async () => {
  await publisher.close();
  await proxy.close();
  await emulators.stop();
});
beforeEach(async () => {
  await publisher?.close();
  proxy.clearFaults();
  client = createSqsClient({ ...emulators.aws, endpoint: proxy.endpoint });
  publisher = publishTo(emulators.queueUrl);
  await client.send(new PurgeQueueCommand({ QueueUrl: emulators.queueUrl }));
  sentBefore = requests();
});

const publishTo = (queueUrl: string, serviceName = 'sluice') =>
  createSqsPublisher({ client, queueUrl, serviceName, groupBy: 'prefix' });
const requests = () => proxy.requests.filter(({ target }) => target === SEND.target).length;

function job(id: string): FinishedUpload {
  const { principal, connection } = createTestContext();
  const stored = { size: 1, location: { bucket: 'b', key: `tenants/a/${id}` } };
  return {
    id,
    path: `/${id}`,
    stored,
    principal,
    connection,
    startedAt: new Date(0),
    finishedAt: new Date(1),
  };
}

/** Everything that is in the queue, in the order that it gives. */
async function receive(QueueUrl = emulators.queueUrl): Promise<Message[]> {
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

const idsOf = (messages: readonly Message[]) =>
  messages.map(({ Body }) => uploadFinishedEvent.parse(JSON.parse(Body ?? '')).id).sort();

const answer = (body: object) => ({ respond: { status: 200, body: JSON.stringify(body) } });

describe('what is sent', () => {
  test('jobs that come together go in few requests, each as a message of its own', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
    const arrived = publisher.expect();
    const published = Promise.all(ids.map((id) => publisher.publish(job(id), TRACE)));
    arrived();
    await published;
    expect(requests() - sentBefore).toBe(3);
    const messages = await receive();
    expect(idsOf(messages)).toEqual(ids);
    expect(messages[0]?.MessageAttributes).toMatchObject({
      type: { StringValue: 'sluice.upload.finished.v1' },
      prefix: { StringValue: 'tenants/a/' },
      traceparent: { StringValue: TRACE.traceparent },
    });
  });

  test('jobs that follow each other go one by one, none of them waits', async () => {
    for (const id of ['a', 'b', 'c']) await publisher.publish(job(id));
    expect(requests() - sentBefore).toBe(3);
    expect(idsOf(await receive())).toEqual(['a', 'b', 'c']);
  });

  test('a FIFO queue takes a job once, however often it is sent, and keeps the order of its group', async () => {
    const create = { QueueName: 'jobs.fifo', Attributes: { FifoQueue: 'true' } };
    const { QueueUrl = '' } = await client.send(new CreateQueueCommand(create));
    const fifo = publishTo(QueueUrl);
    for (const id of ['b', 'a', 'b']) await fifo.publish(job(id));
    const messages = await receive(QueueUrl);
    expect(messages.map(({ Body }) => JSON.parse(Body ?? '').id)).toEqual(['b', 'a']);
    expect(messages[0]?.Attributes?.MessageGroupId).toBe('tenants/a/');
  });

  test('what still waits when it is closed is sent', async () => {
    publisher.expect();
    const all = ['a', 'b', 'c'].map((id) => publisher.publish(job(id)));
    await publisher.close();
    await Promise.all(all);
    client = createSqsClient({ ...emulators.aws, endpoint: proxy.endpoint });
    expect(idsOf(await receive())).toEqual(['a', 'b', 'c']);
  });
});

describe('a message that the queue does not take', () => {
  const failed = (SenderFault: boolean) =>
    answer({ Successful: [], Failed: [{ Id: '0', Code: 'InternalError', Message: 'not now', SenderFault }] });

  test('because of the queue, is sent again, and again', async () => {
    proxy.fault({ ...SEND, times: 2, ...failed(false) });
    await publisher.publish(job('a'));
    expect(requests() - sentBefore).toBe(3);
    expect(idsOf(await receive())).toEqual(['a']);
  });

  test('nor then, is a failure that tells what the queue said', async () => {
    proxy.fault({ ...SEND, ...failed(false) });
    await expect(publisher.publish(job('a'))).rejects.toThrow('InternalError: not now');
    expect(requests() - sentBefore).toBe(3);
  });

  test('for what it is, is not sent again', async () => {
    proxy.fault({ ...SEND, ...failed(true) });
    await expect(publisher.publish(job('a'))).rejects.toBeInstanceOf(MessageRefusedError);
    expect(requests() - sentBefore).toBe(1);
  });

  test('of which the answer says nothing, counts as not taken', async () => {
    proxy.fault({ ...SEND, times: 1, ...answer({ Successful: [], Failed: [] }) });
    await publisher.publish(job('a'));
    expect(requests() - sentBefore).toBe(2);
  });

  test('does not keep the others of its batch from being delivered', async () => {
    const body = toMessage(
      toUploadFinishedEvent(job('b'), { serviceName: 'sluice', trace: {} }),
      {},
      undefined,
    );
    const MD5OfMessageBody = createHash('md5')
      .update(body.entry.MessageBody ?? '')
      .digest('hex');
    proxy.fault({
      ...SEND,
      ...answer({
        Successful: [{ Id: '1', MessageId: 'm', MD5OfMessageBody }],
        Failed: [{ Id: '0', Code: 'TooLong', Message: '', SenderFault: true }],
      }),
    });
    const arrived = publisher.expect();
    const results = Promise.allSettled(['a', 'b'].map((id) => publisher.publish(job(id))));
    arrived();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(requests() - sentBefore).toBe(1);
  });

  test('because nobody answers, fails after the attempts of the SDK', async () => {
    const fault = proxy.fault({ ...SEND, reset: 'request' });
    await expect(publisher.publish(job('a'))).rejects.toThrow();
    expect(fault.hits).toBe(3);
  });
});
