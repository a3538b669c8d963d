import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { UploadFinishedEvent } from '../../src/jobs/event.ts';
import { BUCKET, createSurroundings, PREFIX, type Surroundings } from '../support/service.ts';
import { eventOf, resultKey, startConsumer } from './consumers.ts';
import { createQueue } from './queues.ts';

const TEXT = 'a\nb\n'.repeat(1000);
const NOT_PROCESSED = 'not processed; the message comes again';

let around: Surroundings;

beforeAll(async () => {
  around = await createSurroundings({ receivesJobs: false });
});
afterAll(() => around?.close());
beforeEach(() => around.s3.clearRequests());
afterEach(() => around.s3.clearFaults());

/** An object in the bucket and the event that tells of it. */
const uploaded = (name: string) => eventOf(around.s3.seed(BUCKET, PREFIX + name, TEXT));

const withData = (event: UploadFinishedEvent, data: Partial<UploadFinishedEvent['data']>) => ({
  ...event,
  data: { ...event.data, ...data },
});

test.each<{ what: string; name: string; error: object; spoil: (event: UploadFinishedEvent) => object }>([
  {
    what: 'bytes of another CRC32',
    name: 'crc',
    error: { name: 'ObjectMismatchError', message: expect.stringContaining('CRC32') },
    spoil: (event) =>
      withData(event, { checksum: { algorithm: 'CRC32', value: 'AAAAAA==', type: 'FULL_OBJECT' } }),
  },
  {
    what: 'another number of bytes, where there is no checksum',
    name: 'size',
    error: { name: 'ObjectMismatchError', message: 'it has 4000 bytes, the upload had 4001' },
    spoil: (event) => withData(event, { checksum: null, size: 4001 }),
  },
  {
    what: 'another etag',
    name: 'etag',
    error: { name: 'PreconditionFailed' },
    spoil: (event) => {
      around.s3.seed(BUCKET, event.data.key, TEXT.replace('a', 'c'));
      return event;
    },
  },
  {
    what: 'an answer that breaks off',
    name: 'broken-off',
    error: { message: 'aborted' },
    spoil: (event) => {
      around.s3.fault({ operation: 'GetObject', reset: 'response-body' });
      return event;
    },
  },
])('an object with $what is not processed, and its message stays', async ({ name, spoil, error }) => {
  const queue = await createQueue(around, name);
  const event = spoil(uploaded(name)) as UploadFinishedEvent;
  const consumer = await startConsumer(around, queue);
  await queue.send(event);
  expect(await consumer.logged(NOT_PROCESSED)).toMatchObject({ level: 'error', err: error });
  expect(await consumer.stop()).toMatchObject({ code: 0, stderr: '' });
  expect(around.s3.objects(BUCKET).has(resultKey(event))).toBe(false);
  expect(await queue.size()).toBe(1);
});

test('a version is asked for by its id', async () => {
  const queue = await createQueue(around, 'asked');
  const consumer = await startConsumer(around, queue);
  const event = withData(uploaded('asked'), { versionId: 'v1' });
  await queue.send(event);
  const read = await around.s3.waitFor(({ key, method }) => key === event.data.key && method === 'GET');
  await consumer.stop();
  expect(read.query).toMatchObject({ versionId: 'v1' });
});

test('an object that could not be read is processed when its message comes again', async () => {
  const queue = await createQueue(around, 'again');
  const event = uploaded('again');
  around.s3.fault({ operation: 'GetObject', reset: 'response-body', times: 1 });
  const consumer = await startConsumer(around, queue, { CONSUMER_VISIBILITY_SECONDS: '1' });
  await queue.send(event);
  await consumer.logged(NOT_PROCESSED);
  await consumer.logged('processed', { id: event.id });
  expect(await consumer.stop()).toMatchObject({ code: 0 });
  expect(await queue.size()).toBe(0);
});

test('invalid messages go where the redrive policy says, and the jobs beside them are done', async () => {
  const failed = await createQueue(around, 'failed');
  const queue = await createQueue(around, 'mixed', {
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:failed',
      maxReceiveCount: 2,
    }),
  });
  const event = uploaded('mixed');
  const invalid = [
    'not JSON',
    '{}',
    JSON.stringify({ ...event, data: { ...event.data, size: -1 } }),
    JSON.stringify({ ...event, type: 'sluice.upload.finished.v2' }),
  ];
  const consumer = await startConsumer(around, queue, { CONSUMER_VISIBILITY_SECONDS: '1' });
  for (const body of invalid) await queue.send(body);
  await queue.send(event);
  await consumer.logged('processed', { id: event.id });
  expect((await failed.take(invalid.length)).sort()).toEqual([...invalid].sort());
  expect(await consumer.stop()).toMatchObject({ code: 0, stderr: '' });
  expect(await queue.size()).toBe(0);
});

test('events of other types are skipped and deleted', async () => {
  const queue = await createQueue(around, 'others');
  const consumer = await startConsumer(around, queue);
  const types = ['sluice.upload.failed.v1', 'sluice.upload.renamed.v1'];
  for (const type of types) await queue.send({ specversion: '1.0', id: '1', source: '/sluice/sluice', type });
  for (const type of types) await consumer.logged('skipped', { type });
  expect(await consumer.stop()).toMatchObject({ code: 0 });
  expect(await queue.size()).toBe(0);
});

test('its log has no request in it, and no secret', async () => {
  const queue = await createQueue(around, 'secrets');
  const env = {
    AWS_SECRET_ACCESS_KEY: 'not-to-be-seen',
    AWS_SESSION_TOKEN: 'nor-this',
    CONSUMER_LOG_LEVEL: 'trace',
  };
  around.s3.fault({ operation: 'GetObject', respond: { status: 403, code: 'AccessDenied' } });
  const consumer = await startConsumer(around, queue, env);
  await queue.send(uploaded('secrets'));
  const { err } = await consumer.logged(NOT_PROCESSED);
  expect(Object.keys(err as object)).toEqual(['name', 'message', 'stack']);
  const { stdout, stderr } = await consumer.stop();
  expect(stdout + stderr).not.toMatch(/not-to-be-seen|nor-this|Signature|authorization/i);
});
