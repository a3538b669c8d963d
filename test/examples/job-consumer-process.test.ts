import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BUCKET, createSurroundings, PREFIX, type Surroundings } from '../support/service.ts';
import { eventOf, resultKey, runConsumer, startConsumer } from './consumers.ts';
import { createQueue } from './queues.ts';

const MiB = 1024 * 1024;

let around: Surroundings;

beforeAll(async () => {
  around = await createSurroundings({ receivesJobs: false });
});
afterAll(() => around?.close());
afterEach(() => around.s3.clearFaults());

test('SIGTERM ends a consumer that waits for messages, and its request with it', async () => {
  const consumer = await startConsumer(around, await createQueue(around, 'idle'));
  await around.sqs.waitFor(({ target }) => target === 'AmazonSQS.ReceiveMessage');
  expect(await consumer.stop()).toMatchObject({ code: 0, stderr: '' });
  await around.sqs.waitFor(({ target, aborted }) => target === 'AmazonSQS.ReceiveMessage' && aborted);
  expect(consumer.running.lines.map((line) => JSON.parse(line).level)).not.toContain('error');
});

test('SIGTERM lets a consumer finish what it has in hand, and delete its message', async () => {
  const queue = await createQueue(around, 'busy');
  const event = eventOf(around.s3.seed(BUCKET, `${PREFIX}busy`, 'busy'));
  const read = around.s3.fault({ operation: 'GetObject', hang: 'request' });
  const consumer = await startConsumer(around, queue);
  await queue.send(event);
  await read.reached();
  consumer.running.kill('SIGTERM');
  await consumer.logged('stopping; once more ends it at once');
  read.release();
  expect(await consumer.running.exited).toMatchObject({ code: 0, stderr: '' });
  expect(around.s3.objects(BUCKET).has(resultKey(event))).toBe(true);
  expect(await queue.size()).toBe(0);
});

test('what is not done in time after SIGTERM is left to the next one', async () => {
  const queue = await createQueue(around, 'late');
  const read = around.s3.fault({ operation: 'GetObject', hang: 'request' });
  const consumer = await startConsumer(around, queue, { CONSUMER_DRAIN_SECONDS: '1' });
  await queue.send(eventOf(around.s3.seed(BUCKET, `${PREFIX}late`, 'late')));
  await read.reached();
  expect(await consumer.stop()).toMatchObject({ code: 0, stderr: '' });
  expect(await queue.size()).toBe(1);
});

test('a second signal ends it at once', async () => {
  const queue = await createQueue(around, 'at-once');
  const read = around.s3.fault({ operation: 'GetObject', hang: 'request' });
  const consumer = await startConsumer(around, queue);
  await queue.send(eventOf(around.s3.seed(BUCKET, `${PREFIX}at-once`, 'at once')));
  await read.reached();
  consumer.running.kill('SIGTERM');
  await consumer.logged('stopping; once more ends it at once');
  // One that comes sooner counts as the same, as npm passes it on.
  await delay(600);
  consumer.running.kill('SIGTERM');
  expect(await consumer.running.exited).toMatchObject({ code: 130 });
});

test('traces that nobody takes do not hold up its end', async () => {
  const queue = await createQueue(around, 'untraced');
  const event = eventOf(around.s3.seed(BUCKET, `${PREFIX}untraced`, 'untraced'));
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const consumer = await startConsumer(around, queue, {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  });
  await queue.send(event);
  await consumer.logged('processed', { id: event.id });
  const before = Date.now();
  expect(await consumer.stop()).toMatchObject({ code: 0, stderr: '' });
  // The exporter itself would wait for ten seconds.
  expect(Date.now() - before).toBeLessThan(8000);
  silent.close();
});

/** The most memory that a consumer has had resident, in bytes, while it processed an object of zeros. */
async function peakRss(size: number): Promise<number> {
  const queue = await createQueue(around, `size-${size}`);
  const event = eventOf(around.s3.seed(BUCKET, `${PREFIX}zeros-${size}`, Buffer.alloc(size)));
  const reporter = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS))';
  const options = ['--import', `data:text/javascript,${encodeURIComponent(reporter)}`];
  const consumer = await startConsumer(around, queue, {}, options);
  await queue.send(event);
  await consumer.logged('processed', { id: event.id });
  const { code, stderr } = await consumer.stop();
  expect(code).toBe(0);
  return Number(stderr) * 1024;
}

test('an object of 128 MiB takes hardly more memory than a small one', async () => {
  const small = await peakRss(1);
  // How much garbage lies about is the collector's choice; the object itself would not fit.
  expect(await peakRss(128 * MiB)).toBeLessThan(small + 96 * MiB);
});

test('all that is wrong with the environment is told at once, with exit code 2', async () => {
  const { exited } = runConsumer({
    CONSUMER_QUEUE_URL: 'jobs',
    CONSUMER_BATCH_SIZE: '11',
    CONSUMER_VISIBILITY_SECONDS: 'long',
    CONSUMER_LOG_LEVEL: 'loud',
    CONSUMER_RESULT_PREFX: 'done/',
    AWS_ENDPOINT_URL_S3: 'localhost:9000',
  });
  const { code, stderr, stdout } = await exited;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.trim().split('\n')).toEqual([
    'job-consumer: CONSUMER_QUEUE_URL: must be an http(s) URL',
    'job-consumer: CONSUMER_BATCH_SIZE: must be a whole number from 1 to 10',
    'job-consumer: CONSUMER_VISIBILITY_SECONDS: must be a whole number from 1 to 43200',
    'job-consumer: CONSUMER_LOG_LEVEL: must be one of: trace, debug, info, warn, error, fatal, silent',
    'job-consumer: AWS_ENDPOINT_URL_S3: must be an http(s) URL',
    'job-consumer: CONSUMER_RESULT_PREFX: is no such variable',
  ]);
});

test('a queue is all that it must be told', async () => {
  const { code, stderr } = await runConsumer({}).exited;
  expect(code).toBe(2);
  expect(stderr).toBe('job-consumer: CONSUMER_QUEUE_URL: is required: an http(s) URL\n');
});
