import { createHash } from 'node:crypto';
import { CreateQueueCommand, type Message, PurgeQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Emulators, startEmulators } from '../../src/cli/dev/emulators.ts';
import { type UploadFinishedEvent, uploadFinishedEvent } from '../../src/jobs/event.ts';
import type { EventSender } from '../../src/jobs/event-sender.ts';
import { MessageRefusedError } from '../../src/jobs/event-sender.ts';
import { toMessage } from '../../src/jobs/message.ts';
import { createSqsClient } from '../../src/jobs/sqs-client.ts';
import { createSqsSender } from '../../src/jobs/sqs-sender.ts';
import { finishedEvent } from '../support/events.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { receiveAll } from '../support/receive-all.ts';

const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
const SEND = { target: 'AmazonSQS.SendMessageBatch' };

let emulators: Emulators;
let proxy: FaultProxy;
let client: SQSClient;
let sender: EventSender;
let sentBefore: number;

beforeAll(async () => {
  emulators = await startEmulators();
  proxy = await startFaultProxy(emulators.aws.endpoint);
});
afterAll(async () => {
  await sender.close();
  await proxy.close();
  await emulators.stop();
});
beforeEach(async () => {
  await sender?.close();
  proxy.clearFaults();
  client = createSqsClient({ ...emulators.aws, endpoint: proxy.endpoint });
  sender = sendTo(emulators.queueUrl);
  await client.send(new PurgeQueueCommand({ QueueUrl: emulators.queueUrl }));
  sentBefore = requests();
});

const sendTo = (queueUrl: string) => createSqsSender({ client, queueUrl, groupBy: 'prefix' });
const requests = () => proxy.requests.filter(({ target }) => target === SEND.target).length;

const job = (id: string): UploadFinishedEvent => ({ ...finishedEvent(id), ...TRACE });

const receive = (queueUrl = emulators.queueUrl) => receiveAll(client, queueUrl);

const idsOf = (messages: readonly Message[]) =>
  messages.map(({ Body }) => uploadFinishedEvent.parse(JSON.parse(Body ?? '')).id).sort();

const answer = (body: object) => ({ respond: { status: 200, body: JSON.stringify(body) } });

describe('what is sent', () => {
  test('jobs that come together go in few requests, each as a message of its own', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
    const arrived = sender.expect();
    const sent = Promise.all(ids.map((id) => sender.send(job(id))));
    arrived();
    await sent;
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
    for (const id of ['a', 'b', 'c']) await sender.send(job(id));
    expect(requests() - sentBefore).toBe(3);
    expect(idsOf(await receive())).toEqual(['a', 'b', 'c']);
  });

  test('a FIFO queue takes a job once, however often it is sent, and keeps the order of its group', async () => {
    const create = { QueueName: 'jobs.fifo', Attributes: { FifoQueue: 'true' } };
    const { QueueUrl = '' } = await client.send(new CreateQueueCommand(create));
    const fifo = sendTo(QueueUrl);
    for (const id of ['b', 'a', 'b']) await fifo.send(job(id));
    const messages = await receive(QueueUrl);
    expect(messages.map(({ Body }) => JSON.parse(Body ?? '').id)).toEqual(['b', 'a']);
    expect(messages[0]?.Attributes?.MessageGroupId).toBe('tenants/a/');
  });

  test('what still waits when it is closed is sent', async () => {
    sender.expect();
    const all = ['a', 'b', 'c'].map((id) => sender.send(job(id)));
    await sender.close();
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
    await sender.send(job('a'));
    expect(requests() - sentBefore).toBe(3);
    expect(idsOf(await receive())).toEqual(['a']);
  });

  test('nor then, is a failure that tells what the queue said', async () => {
    proxy.fault({ ...SEND, ...failed(false) });
    await expect(sender.send(job('a'))).rejects.toThrow('InternalError: not now');
    expect(requests() - sentBefore).toBe(3);
  });

  test('for what it is, is not sent again', async () => {
    proxy.fault({ ...SEND, ...failed(true) });
    await expect(sender.send(job('a'))).rejects.toBeInstanceOf(MessageRefusedError);
    expect(requests() - sentBefore).toBe(1);
  });

  test.each(['BatchRequestTooLong', 'InvalidMessageContents'])(
    'for one of them (%s): each of a request that is refused goes by itself',
    async (code) => {
      const body = JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: 'no' });
      proxy.fault({ ...SEND, times: 1, respond: { status: 400, body } });
      const arrived = sender.expect();
      const sent = Promise.all(['a', 'b', 'c'].map((id) => sender.send(job(id))));
      arrived();
      await sent;
      expect(requests() - sentBefore).toBe(4);
      expect(idsOf(await receive())).toEqual(['a', 'b', 'c']);
      // Once past the SDK and once by it (docs/adr/0023-express-lane.md).
      proxy.fault({ ...SEND, times: 2, respond: { status: 400, body } });
      await expect(sender.send(job('d'))).rejects.toBeInstanceOf(MessageRefusedError);
    },
  );

  test('of which the answer says nothing, counts as not taken', async () => {
    proxy.fault({ ...SEND, times: 1, ...answer({ Successful: [], Failed: [] }) });
    await sender.send(job('a'));
    expect(requests() - sentBefore).toBe(2);
  });

  test('does not keep the others of its batch from being delivered', async () => {
    const body = toMessage(job('b'), undefined);
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
    const arrived = sender.expect();
    const results = Promise.allSettled(['a', 'b'].map((id) => sender.send(job(id))));
    arrived();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(requests() - sentBefore).toBe(1);
  });

  test('because nobody answers, fails after the attempts of the SDK', async () => {
    const fault = proxy.fault({ ...SEND, reset: 'request' });
    await expect(sender.send(job('a'))).rejects.toThrow();
    expect(fault.hits).toBe(3);
  });
});
