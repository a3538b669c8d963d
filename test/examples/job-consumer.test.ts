import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import {
  BUCKET,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';
import { type Consumer, resultKey, startConsumer } from './consumers.ts';
import { openQueue } from './queues.ts';

const TEXT = 'one,1\ntwo,2\nthree,3\n'.repeat(500_000);

let around: Surroundings;
let receiver: OtlpReceiver;
let service: Service;
let consumer: Consumer;

beforeAll(async () => {
  around = await createSurroundings({ receivesJobs: false });
  receiver = await startOtlpReceiver();
  await writeFile(around.workspace.path('report.csv'), TEXT);
  const traced = {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  };
  service = await startService({ ...around.env, ...traced });
  consumer = await startConsumer(around, openQueue(around, around.env['SLUICE_QUEUE_URL'] ?? ''), traced);
});
afterAll(async () => {
  await consumer?.stop();
  await service?.stop();
  await receiver?.close();
  await around?.close();
});

async function upload(path: string): Promise<void> {
  const { code, stderr } = await sftp(service, around.workspace, [
    `put ${around.workspace.path('report.csv')} ${path}`,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

test('a file that sftp has uploaded is counted, and its result is kept under the id of its event', async () => {
  await upload('/counted.csv');
  const { id } = await consumer.logged('processed', { key: `${PREFIX}counted.csv` });
  const result = around.s3.objects(BUCKET).get(resultKey({ id: String(id) }));
  expect(JSON.parse(String(result?.content))).toEqual({
    id,
    bucket: BUCKET,
    key: `${PREFIX}counted.csv`,
    versionId: null,
    size: TEXT.length,
    lines: 1_500_000,
    sha256: createHash('sha256').update(TEXT).digest('hex'),
  });
});

test('its spans go on with the trace of the upload, below the span that sent the job', async () => {
  await upload('/traced.csv');
  const { id, traceId } = await consumer.logged('processed', { key: `${PREFIX}traced.csv` });
  const isOurs = (span: { traceId: string }) => span.traceId === traceId;
  const process = await receiver.waitForSpan((span) => isOurs(span) && span.kind === 'CONSUMER');
  const sent = await receiver.waitForSpan((span) => isOurs(span) && span.name === 'sqs.send');
  const root = await receiver.waitForSpan((span) => isOurs(span) && span.name === 'sluice.upload');

  expect(root.attributes['sluice.upload.id']).toBe(id);
  expect(process).toMatchObject({
    name: 'process sluice-dev-jobs',
    parentSpanId: sent.spanId,
    status: { code: 'UNSET' },
    attributes: {
      'messaging.system': 'aws_sqs',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': 'sluice-dev-jobs',
      'messaging.message.id': expect.stringMatching(/./),
      'messaging.message.body.size': expect.any(Number),
      'cloudevents.event_id': id,
      'cloudevents.event_source': '/sluice/sluice',
      'cloudevents.event_type': 'sluice.upload.finished.v1',
    },
  });
  expect(process.resource['service.name']).toBe('job-consumer');

  const below = receiver.spans.filter(({ parentSpanId }) => parentSpanId === process.spanId);
  expect(below.map(({ name, kind }) => [name, kind])).toEqual([
    ['S3.HeadObject', 'CLIENT'],
    ['S3.GetObject', 'CLIENT'],
    ['S3.PutObject', 'CLIENT'],
  ]);
  expect(below[1]?.attributes).toMatchObject({
    'rpc.system': 'aws-api',
    'rpc.service': 'S3',
    'rpc.method': 'GetObject',
    'aws.s3.bucket': BUCKET,
    'aws.s3.key': `${PREFIX}traced.csv`,
  });
});
