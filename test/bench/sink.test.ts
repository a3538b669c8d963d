import { crc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { madeBytes } from '../../bench/made-content.ts';
import { COUNTS_PATH, FORGET_PATH, MAKE_PATH, type SinkServer, startSink } from '../../bench/sink/server.ts';
import { encodeCrc32 } from '../support/strict-s3/checksums.ts';

const object = { Bucket: 'bench-bucket', Key: 'in/a file & more.bin' };
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };

const checksum = (body: Buffer) => encodeCrc32(crc32(body));

let sink: SinkServer;
let endpoint: string;
let s3: S3Client;
let sqs: SQSClient;

async function start(latencyMs: number): Promise<void> {
  sink = await startSink({ latencyMs });
  endpoint = `http://127.0.0.1:${sink.port}`;
  s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  sqs = new SQSClient({ endpoint, region: 'us-east-1', useQueueUrlAsEndpoint: false, credentials });
}

async function stop(): Promise<void> {
  s3.destroy();
  sqs.destroy();
  await sink.close();
}

async function counts(): Promise<unknown> {
  return await (await fetch(endpoint + COUNTS_PATH)).json();
}

beforeEach(() => start(0));
afterEach(stop);

describe('the sink as S3', () => {
  test('has every bucket, and nothing in it', async () => {
    await s3.send(new HeadBucketCommand({ Bucket: object.Bucket }));
    const page = await s3.send(new ListObjectsV2Command({ Bucket: object.Bucket, Prefix: 'in/' }));
    expect(page).toMatchObject({ KeyCount: 0, IsTruncated: false });
    expect(page.Contents ?? []).toEqual([]);
    await expect(s3.send(new HeadObjectCommand(object))).rejects.toMatchObject({ name: 'NotFound' });
  });

  test('takes an object, echoes its checksum and counts its bytes', async () => {
    const answer = await s3.send(
      new PutObjectCommand({ ...object, Body: Buffer.from('hello'), ChecksumCRC32: 'NhCmhg==' }),
    );
    expect(answer.ETag).toMatch(/^"[0-9a-f]{32}-1"$/);
    expect(answer.ChecksumCRC32).toBe('NhCmhg==');
    expect(await counts()).toMatchObject({ objects: 1, bytes: 5 });
  });

  test('counts nothing that the server puts aside for itself', async () => {
    const Key = '.sluice/staging/features-1';
    await s3.send(new PutObjectCommand({ ...object, Key, Body: Buffer.from('hello') }));
    expect(await counts()).toMatchObject({ objects: 0, bytes: 0 });
  });

  test('takes a multipart upload as one object and confirms the checksum of the whole', async () => {
    const created = await s3.send(
      new CreateMultipartUploadCommand({
        ...object,
        ChecksumAlgorithm: 'CRC32',
        ChecksumType: 'FULL_OBJECT',
      }),
    );
    expect(created).toMatchObject({ ChecksumAlgorithm: 'CRC32', Key: object.Key });
    const upload = { ...object, UploadId: created.UploadId };
    const bodies = [Buffer.alloc(1_000_000, 1), Buffer.alloc(500_000, 2)];
    const parts = await Promise.all(
      bodies.map(async (Body, index) => {
        const part = { PartNumber: index + 1 };
        const { ETag } = await s3.send(
          new UploadPartCommand({ ...upload, ...part, Body, ChecksumCRC32: checksum(Body) }),
        );
        return { ...part, ETag };
      }),
    );
    const completed = await s3.send(
      new CompleteMultipartUploadCommand({
        ...upload,
        MultipartUpload: { Parts: parts },
        ChecksumCRC32: checksum(Buffer.concat(bodies)),
        ChecksumType: 'FULL_OBJECT',
      }),
    );
    expect(completed).toMatchObject({ ChecksumCRC32: checksum(Buffer.concat(bodies)), Key: object.Key });
    expect(await counts()).toMatchObject({ objects: 1, bytes: 1_500_000 });
  });
});

describe('an object that the sink makes up', () => {
  const BYTES = 3_000_000;
  const made = Buffer.concat([...madeBytes(0, BYTES)]);
  const read = async (Range?: string) => {
    const { Body, ...told } = await s3.send(new GetObjectCommand({ ...object, Range }));
    return { ...told, bytes: Buffer.from((await Body?.transformToByteArray()) ?? []) };
  };

  beforeEach(async () => {
    const path = encodeURIComponent(`${object.Bucket}/${object.Key}`);
    await fetch(`${endpoint}${MAKE_PATH}?path=${path}&bytes=${BYTES}`);
  });

  test('is found, listed and read, and its requests are counted', async () => {
    expect(await s3.send(new HeadObjectCommand(object))).toMatchObject({ ContentLength: BYTES });
    const page = await s3.send(new ListObjectsV2Command({ Bucket: object.Bucket, Prefix: 'in/' }));
    expect(page.Contents).toMatchObject([{ Key: object.Key, Size: BYTES }]);
    expect((await read()).bytes.equals(made)).toBe(true);
    const requests = { HeadObject: 1, ListObjectsV2: 1, GetObject: 1 };
    expect(await counts()).toMatchObject({ requests, objects: 0, bytes: 0 });
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1048580-2097170', 1_048_580, 2_097_171],
    ['bytes=2999999-', 2_999_999, BYTES],
    ['bytes=2000000-9000000', 2_000_000, BYTES],
  ])('is read by the range %s', async (range, start, end) => {
    const { bytes, ContentRange } = await read(range);
    expect(ContentRange).toBe(`bytes ${start}-${end - 1}/${BYTES}`);
    expect(bytes.equals(made.subarray(start, end))).toBe(true);
  });

  test('has nothing past its end', async () => {
    await expect(read(`bytes=${BYTES}-`)).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  test('holds other bytes in each place', () => {
    const at = (start: number) => Buffer.concat([...madeBytes(start, start + 4096)]);
    const MiB = 2 ** 20;
    for (const start of [MiB, 5 * MiB, 8 * MiB, 64 * MiB]) expect(at(start).equals(at(0))).toBe(false);
  });

  test('is forgotten like everything else, but for the counts', async () => {
    await fetch(endpoint + FORGET_PATH);
    await expect(s3.send(new HeadObjectCommand(object))).rejects.toMatchObject({ name: 'NotFound' });
    expect(await counts()).toMatchObject({ requests: { HeadObject: 1 } });
  });
});

describe('the sink as SQS', () => {
  const QueueUrl = 'http://sqs.invalid/000000000000/jobs';

  test('takes a job with the digest that the SDK checks, and counts it', async () => {
    const answer = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"öl": 1}' }));
    expect(answer.MessageId).toBeDefined();
    expect(await counts()).toMatchObject({ jobs: 1, jobRequests: 1 });
  });

  test('takes several in one request', async () => {
    const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: `{"of": "${Id}"}` }));
    const answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(answer.Successful?.map(({ Id }) => Id)).toEqual(['a', 'b']);
    expect(await counts()).toMatchObject({ jobs: 2, jobRequests: 1 });
  });

  test('has every queue', async () => {
    const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    expect(answer.Attributes).toHaveProperty('QueueArn');
  });
});

describe('the sink as an OTLP receiver', () => {
  test('takes what the real exporter sends and counts the spans', async () => {
    const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` });
    const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
    for (const scope of ['a', 'b']) {
      for (let at = 0; at < 10; at++) provider.getTracer(scope).startSpan('span').end();
    }
    await provider.shutdown();
    expect(await counts()).toMatchObject({ traceExports: 1, spans: 20, bytes: 0, objects: 0 });
  });

  test('counts exports of metrics', async () => {
    const response = await fetch(`${endpoint}/v1/metrics`, { method: 'POST', body: 'metrics' });
    expect(response.status).toBe(200);
    expect(await counts()).toMatchObject({ metricExports: 1, traceExports: 0, spans: 0, objects: 0 });
  });
});

test('a sink with latency answers no sooner', async () => {
  await stop();
  await start(80);
  const before = performance.now();
  await s3.send(new HeadBucketCommand({ Bucket: object.Bucket }));
  expect(performance.now() - before).toBeGreaterThanOrEqual(79);
});
