import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { BUCKET, createSurroundings, PREFIX, type Surroundings } from '../support/service.ts';
import { eventOf, resultKey, startConsumer } from './consumers.ts';
import { createQueue } from './queues.ts';

let around: Surroundings;

beforeAll(async () => {
  around = await createSurroundings({ receivesJobs: false });
});
afterAll(() => around?.close());
beforeEach(() => around.s3.clearRequests());

/** An object in the bucket and the event that tells of it. */
function uploaded(name: string, text = 'a\nb\n') {
  return eventOf(around.s3.seed(BUCKET, PREFIX + name, text));
}

/** What S3 was asked for, and how it answered. */
const answers = (operation: string) =>
  around.s3.requests.filter((request) => request.operation === operation).map(({ status }) => status);

test('a second delivery finds the result and does nothing', async () => {
  const queue = await createQueue(around, 'twice');
  const event = uploaded('twice');
  const consumer = await startConsumer(around, queue);
  await queue.send(event);
  await consumer.logged('processed', { id: event.id });
  const result = around.s3.objects(BUCKET).get(resultKey(event));
  await queue.send(event);
  await consumer.logged('already processed', { id: event.id });
  expect(await consumer.stop()).toMatchObject({ code: 0 });

  expect(answers('GetObject')).toEqual([200]);
  expect(answers('PutObject')).toEqual([200]);
  expect(around.s3.objects(BUCKET).get(resultKey(event))).toBe(result);
  expect(await queue.size()).toBe(0);
});

test('of two consumers that have the same job at once, one writes the result', async () => {
  const queue = await createQueue(around, 'at-once');
  const event = uploaded('at-once');
  const reads = around.s3.fault({ operation: 'GetObject', hang: 'request' });
  const one = { CONSUMER_BATCH_SIZE: '1' };
  const consumers = await Promise.all([startConsumer(around, queue, one), startConsumer(around, queue, one)]);
  await queue.send(event);
  await queue.send(event);
  await reads.reached(2);
  reads.release();
  await Promise.race(consumers.map((consumer) => consumer.logged('processed', { id: event.id })));
  await Promise.race(consumers.map((consumer) => consumer.logged('already processed', { id: event.id })));
  await Promise.all(consumers.map((consumer) => consumer.stop()));

  expect(answers('PutObject').sort()).toEqual([200, 412]);
  expect(await queue.size()).toBe(0);
});

test('what a killed consumer had in hand is done by the next one, and its result written once', async () => {
  const queue = await createQueue(around, 'killed');
  const event = uploaded('killed');
  const short = { CONSUMER_VISIBILITY_SECONDS: '2' };
  const write = around.s3.fault({ operation: 'PutObject', hang: 'request' });
  const killed = await startConsumer(around, queue, short);
  await queue.send(event);
  await write.reached();
  killed.running.kill('SIGKILL');
  await killed.running.exited;
  write.release();

  const next = await startConsumer(around, queue, short);
  await next.logged('processed', { id: event.id });
  expect(await next.stop()).toMatchObject({ code: 0 });
  expect(answers('GetObject')).toEqual([200, 200]);
  expect(answers('PutObject').filter((status) => status === 200)).toHaveLength(1);
  expect(await queue.size()).toBe(0);
});

test('a message stays hidden from others for as long as it is worked on', async () => {
  const queue = await createQueue(around, 'long');
  const event = uploaded('long');
  const short = { CONSUMER_VISIBILITY_SECONDS: '3' };
  const read = around.s3.fault({ operation: 'GetObject', hang: 'request' });
  const working = await startConsumer(around, queue, short);
  await queue.send(event);
  await read.reached();
  const idle = await startConsumer(around, queue, short);
  const extensions = () =>
    around.sqs.requests.filter(({ target }) => target?.endsWith('.ChangeMessageVisibility'));
  // Three of them take as long as the message would have been hidden without; one more, and it would be seen.
  const begun = extensions().length;
  await around.sqs.waitFor(() => extensions().length >= begun + 4);
  expect(answers('GetObject')).toEqual([undefined]);
  read.release();
  await working.logged('processed', { id: event.id });
  await Promise.all([working.stop(), idle.stop()]);
  expect(answers('HeadObject')).toEqual([404]);
  expect(await queue.size()).toBe(0);
});

// SQS gives out several messages of a group at once, in order; the emulator gives out several only of several groups.
test('of a FIFO queue the next message is not begun before the last one is done', async () => {
  const queue = await createQueue(around, 'ordered.fifo');
  const events = [uploaded('first'), uploaded('second')];
  for (const event of events) await queue.send(event);
  const consumer = await startConsumer(around, queue);
  await consumer.logged('processed', { id: events[1]?.id });
  expect(await consumer.stop()).toMatchObject({ code: 0, stderr: '' });
  expect(around.s3.requests.map(({ operation, key }) => [operation, key])).toEqual(
    events.flatMap((event) => [
      ['HeadObject', resultKey(event)],
      ['GetObject', event.data.key],
      ['PutObject', resultKey(event)],
    ]),
  );
});
