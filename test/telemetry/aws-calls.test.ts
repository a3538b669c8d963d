import { HeadObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { StackContextManager } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createS3Client } from '../../src/backends/s3/client.ts';
import { startEmulators } from '../../src/cli/dev/emulators.ts';
import { observeAwsCalls } from '../../src/telemetry/aws-calls.ts';
import { watchFirstBytes } from '../../src/telemetry/first-bytes.ts';
import { toTraceContext } from '../../src/telemetry/trace-context.ts';
import { collectMetrics } from '../support/collect-metrics.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../support/strict-s3/server.ts';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');
const aws = { region: TEST_REGION, credentials: TEST_CREDENTIALS };
const only = () => {
  const [span, ...more] = exporter.getFinishedSpans();
  expect(more).toEqual([]);
  return span;
};

beforeAll(() => provider.register({ contextManager: new StackContextManager().enable() }));
beforeEach(() => exporter.reset());
afterAll(async () => {
  await provider.shutdown();
  context.disable();
  trace.disable();
});

describe('a call of S3', () => {
  const Bucket = 'bucket';
  let s3: StrictS3;
  let collected: ReturnType<typeof collectMetrics>;
  let client: ReturnType<typeof createS3Client>;

  beforeEach(async () => {
    s3 = await startStrictS3({ buckets: [Bucket] });
    collected = collectMetrics();
    client = createS3Client({ ...aws, endpoint: s3.endpoint });
    observeAwsCalls(tracer, collected.metrics)(client, 'S3');
  });
  afterEach(async () => {
    client.destroy();
    await s3.close();
  });

  test('is a CLIENT span below what is going on, by the conventions, and is measured', async () => {
    const parent = tracer.startSpan('parent');
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), () =>
      client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'content' })),
    );
    const span = only();
    expect(span).toMatchObject({
      name: 'S3.PutObject',
      kind: 2,
      parentSpanContext: { spanId: parent.spanContext().spanId },
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'rpc.system': 'aws-api',
        'rpc.service': 'S3',
        'rpc.method': 'PutObject',
        'aws.s3.bucket': Bucket,
        'aws.s3.key': 'key',
        'http.response.status_code': 200,
        'aws.request_id': expect.any(String),
      },
    });
    expect(await collected.read('sluice.s3.call.duration')).toMatchObject([
      { attributes: { 'rpc.method': 'PutObject' }, value: { count: 1 } },
    ]);
  });

  test('that finds nothing has got its answer: no ERROR, and none is counted', async () => {
    await expect(client.send(new HeadObjectCommand({ Bucket, Key: 'none' }))).rejects.toThrow();
    expect(only()).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      events: [],
      attributes: { 'http.response.status_code': 404 },
    });
    const [series] = await collected.read('sluice.s3.call.duration');
    expect(series?.attributes).toEqual({ 'rpc.method': 'HeadObject' });
  });

  test('that is refused is an ERROR with its exception, once, and counted by its type', async () => {
    s3.fault({ operation: 'PutObject', respond: { status: 403, code: 'AccessDenied' } });
    const put = client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: '' }));
    await expect(put).rejects.toThrow();
    const span = only();
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(span?.events.map(({ name }) => name)).toEqual(['exception']);
    expect(span?.attributes['error.type']).toBe('AccessDenied');
    const [series] = await collected.read('sluice.s3.call.duration');
    expect(series?.attributes).toEqual({ 'rpc.method': 'PutObject', 'error.type': 'AccessDenied' });
  });

  test('that was sent again is one span, which says how often', async () => {
    s3.fault({ operation: 'PutObject', times: 2, respond: { status: 503, code: 'SlowDown' } });
    await client.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'content' }));
    expect(only()?.attributes['http.request.resend_count']).toBe(2);
  });

  test('the first that brings bytes of an upload says so, once', async () => {
    let taken = 0;
    const within = watchFirstBytes(ROOT_CONTEXT, () => {
      taken += 1;
    });
    const send = (command: PutObjectCommand | HeadObjectCommand | UploadPartCommand) =>
      context.with(within, () => client.send(command as PutObjectCommand)).catch(() => undefined);
    await send(new HeadObjectCommand({ Bucket, Key: 'none' }));
    await send(new UploadPartCommand({ Bucket, Key: 'key', UploadId: 'none', PartNumber: 1, Body: 'x' }));
    expect(taken).toBe(0);
    await send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'content' }));
    await send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'content' }));
    expect(taken).toBe(1);
  });
});

test('messages that go to SQS together are one call below the first of them, linked to the others', async () => {
  const emulators = await startEmulators();
  const client = new SQSClient({ ...emulators.aws, useQueueUrlAsEndpoint: false });
  observeAwsCalls(tracer, collectMetrics().metrics)(client, 'SQS');
  const senders = [1, 2, 3].map(() => tracer.startSpan('sqs.send'));
  const Entries = senders.map((span, index) => ({
    Id: String(index),
    MessageBody: 'body',
    MessageAttributes: {
      traceparent: { DataType: 'String', StringValue: toTraceContext(span.spanContext()).traceparent },
    },
  }));
  await client.send(new SendMessageBatchCommand({ QueueUrl: emulators.queueUrl, Entries }));
  const ids = senders.map((span) => span.spanContext().spanId);
  const span = only();
  expect(span?.name).toBe('SQS.SendMessageBatch');
  expect(span?.parentSpanContext?.spanId).toBe(ids[0]);
  expect(span?.links.map((link) => link.context.spanId)).toEqual([ids[1], ids[2]]);
  expect(span?.attributes['messaging.batch.message_count']).toBe(3);
  client.destroy();
  await emulators.stop();
});

test('a queue that has taken too long is an error, unlike a client that has gone', async () => {
  const s3 = await startStrictS3({ buckets: ['bucket'] });
  const collected = collectMetrics();
  const observe = observeAwsCalls(tracer, collected.metrics);
  const store = createS3Client({ ...aws, endpoint: s3.endpoint });
  const queue = new SQSClient({ ...aws, endpoint: s3.endpoint });
  observe(store, 'S3');
  observe(queue, 'SQS');
  const options = { abortSignal: AbortSignal.abort() };
  await store.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'key' }), options).catch(() => undefined);
  const Entries = [{ Id: '0', MessageBody: 'body' }];
  await queue
    .send(new SendMessageBatchCommand({ QueueUrl: s3.endpoint, Entries }), options)
    .catch(() => undefined);
  expect((await collected.read('sluice.s3.call.duration'))[0]?.attributes).toEqual({
    'rpc.method': 'HeadObject',
  });
  expect((await collected.read('sluice.sqs.call.duration'))[0]?.attributes).toEqual({
    'rpc.method': 'SendMessageBatch',
    'error.type': 'AbortError',
  });
  store.destroy();
  queue.destroy();
  await s3.close();
});
