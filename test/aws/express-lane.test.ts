import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
  type UploadPartCommandInput,
} from '@aws-sdk/client-s3';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { toBase64 } from '../../src/backends/s3/checksum.ts';
import { createS3Client } from '../../src/backends/s3/client.ts';
import { putObject } from '../../src/backends/s3/put-object.ts';
import { ObjectStore } from '../../src/backends/s3/store.ts';
import { startEmulators } from '../../src/cli/dev/emulators.ts';
import { createSqsClient } from '../../src/jobs/sqs-client.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { receiveAll } from '../support/receive-all.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../support/strict-s3/server.ts';

const Bucket = 'bucket';
const Body = Buffer.from('content');

/** The SDK writes it into all its requests, the lane into none. */
const BY_SDK = 'amz-sdk-invocation-id';
const isBySdk = ({ headers }: { readonly headers: IncomingHttpHeaders }) => headers[BY_SDK] !== undefined;

/** Headers of a request that are no other each time. */
function constant(headers: IncomingHttpHeaders) {
  const { [BY_SDK]: _id, 'amz-sdk-request': _nth, authorization, 'x-amz-date': _date, ...others } = headers;
  const scope = authorization?.match(/Credential=\S+/)?.[0];
  return { ...others, scope };
}

let s3: StrictS3;
let client: S3Client;

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket, 'other'] });
  client = connect();
});
afterEach(() => s3.close());

function connect(endpoint = s3.endpoint, credentials: object = TEST_CREDENTIALS): S3Client {
  const options = { endpoint, region: TEST_REGION, credentials } as Parameters<typeof createS3Client>[0];
  const connected = createS3Client(options);
  onTestFinished(() => connected.destroy());
  return connected;
}

const put = (Key: string, more: Partial<PutObjectCommandInput> = {}, abortSignal?: AbortSignal) =>
  client.send(
    new PutObjectCommand({ Bucket, Key, Body, ContentLength: Body.length, ...more }),
    abortSignal === undefined ? undefined : { abortSignal },
  );
const get = (Key: string, Range: string) => client.send(new GetObjectCommand({ Bucket, Key, Range }));
const requestsOf = (key: string) => s3.requests.filter((request) => request.key === key);

describe('PutObject', () => {
  test('is the SDK’s once for each bucket, then the same request without it', async () => {
    const all = {
      CacheControl: 'no-store',
      ChecksumAlgorithm: 'CRC32',
      ChecksumCRC32: toBase64(crc32(Body)),
      ContentDisposition: 'attachment',
      ContentEncoding: 'identity',
      ContentLanguage: 'de',
      ContentType: 'text/csv',
      IfNoneMatch: '*',
      Metadata: { mtime: '1', Mode: '420' },
    } as const;
    await put('first', all);
    const answer = await put('second', all);
    const [first, second] = s3.requests;
    expect([first, second].map((request) => request && isBySdk(request))).toEqual([true, false]);
    expect(constant(second?.headers ?? {})).toEqual(constant(first?.headers ?? {}));
    expect(second?.query).toEqual(first?.query);
    expect(answer.ETag).toBe(s3.objects(Bucket).get('second')?.etag);
    expect(answer.$metadata).toMatchObject({
      httpStatusCode: 200,
      requestId: expect.any(String),
      attempts: 1,
    });
    await put('third', { ...all, Bucket: 'other' });
    expect(requestsOf('third').map(isBySdk)).toEqual([true]);
    expect([...s3.objects('other').keys()]).toEqual(['third']);
  });

  test('writes every key as the SDK does', async () => {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      request.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const keys = [
      ' a+b%20c&d=e?f#g;h:i@j,k$l\\m|n^o`p{q}r[s]t<u>v"w\'x',
      '!(*)~-_.',
      'ä/ü/日本/😀',
      '//a//b/',
      '../.',
      '\u0001',
    ];
    client = connect(endpoint);
    await put('first');
    for (const key of keys) await put(key);
    const byLane = paths.splice(0);
    for (const key of ['first', ...keys]) {
      client = connect(endpoint);
      await put(key);
    }
    expect(byLane).toEqual(paths);
  });

  test('with what the lane does not know of goes by the SDK', async () => {
    await put('first');
    await put('second', { ServerSideEncryption: 'AES256' });
    await put('third', { Body: 'a string', ContentLength: 8 });
    expect(s3.requests.map(isBySdk)).toEqual([true, true, true]);
  });

  test('that the store cannot take at that moment is sent again, by the SDK', async () => {
    await put('first');
    s3.fault({ operation: 'PutObject', times: 1, respond: { status: 500, code: 'InternalError' } });
    const { $metadata } = await put('second');
    expect($metadata.attempts).toBe(2);
    expect(requestsOf('second').map(isBySdk)).toEqual([false, true]);
  });

  test('that is refused is refused by the SDK, as the only attempt', async () => {
    await put('first');
    const again = put('first', { IfNoneMatch: '*' });
    await expect(again).rejects.toMatchObject({ name: 'PreconditionFailed', $metadata: { attempts: 1 } });
  });

  test('whose answer was lost is found to be done, exclusive or not', async () => {
    await put('first');
    s3.fault({ operation: 'PutObject', times: 1, reset: 'response' });
    const stored = await putObject(new ObjectStore(client, Bucket), {
      key: 'second',
      body: Body,
      crc: crc32(Body),
      condition: { IfNoneMatch: '*' },
      signal: new AbortController().signal,
    });
    expect(stored.location).toEqual({ bucket: Bucket, key: 'second' });
    expect(requestsOf('second').map(({ operation }) => operation)).toEqual([
      'PutObject',
      'PutObject',
      'HeadObject',
    ]);
  });

  test('that is given up is not sent again', async () => {
    await put('first');
    const hanging = s3.fault({ operation: 'PutObject', hang: 'response' });
    const abort = new AbortController();
    const gone = put('second', {}, abort.signal);
    await hanging.reached();
    abort.abort();
    await expect(gone).rejects.toMatchObject({ name: 'AbortError' });
    expect(requestsOf('second')).toHaveLength(1);
  });

  test('is signed with the credentials of the moment', async () => {
    let accessKeyId = 'before';
    client = connect(s3.endpoint, async () => ({
      accessKeyId,
      secretAccessKey: 'secret',
      expiration: new Date(Date.now() + 1000),
    }));
    for (const key of ['first', 'second']) await put(key);
    accessKeyId = 'after';
    await put('third');
    const [, second, third] = s3.requests.map(({ headers }) => headers.authorization);
    expect(second).toContain('Credential=before/');
    expect(third).toContain('Credential=after/');
  });
});

describe('UploadPart', () => {
  test('is the SDK’s once for each bucket, then the same request without it, each with its part and upload', async () => {
    const uploads = ['first', 'second'].map(async (Key) => {
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          Bucket,
          Key,
          ChecksumAlgorithm: 'CRC32',
          ChecksumType: 'FULL_OBJECT',
        }),
      );
      return { Bucket, Key, UploadId };
    });
    const part = (upload: UploadPartCommandInput) => client.send(new UploadPartCommand(upload));
    const [first, second] = (await Promise.all(uploads)) as [UploadPartCommandInput, UploadPartCommandInput];
    s3.clearRequests();
    const more = { Body, ContentLength: Body.length, ChecksumCRC32: toBase64(crc32(Body)) };
    await part({ ...first, ...more, PartNumber: 1 });
    const { ETag, $metadata } = await part({ ...second, ...more, PartNumber: 2 });
    expect(ETag).toMatch(/^"[0-9a-f]{32}"$/);
    expect($metadata).toMatchObject({ httpStatusCode: 200, attempts: 1 });
    const [bySdk, byLane] = s3.requests;
    expect([bySdk, byLane].map((request) => request && isBySdk(request))).toEqual([true, false]);
    expect(constant(byLane?.headers ?? {})).toEqual(constant(bySdk?.headers ?? {}));
    expect(byLane?.query).toEqual({ ...bySdk?.query, partNumber: '2', uploadId: second.UploadId });
    // S3 verifies it: the header is there, and is that of the body.
    const wrong = part({ ...second, ...more, PartNumber: 3, ChecksumCRC32: 'AAAAAA==' });
    await expect(wrong).rejects.toMatchObject({ name: 'BadDigest' });
  });
});

describe('GetObject of a range', () => {
  beforeEach(async () => {
    s3.seed(Bucket, 'object', Buffer.from('0123456789'));
    await get('object', 'bytes=0-0');
  });

  test('is the same without the SDK', async () => {
    const { Body: bytes, ...answer } = await get('object', 'bytes=3-5');
    expect(await bytes?.transformToString()).toBe('345');
    expect(answer).toMatchObject({ ContentLength: 3, ETag: s3.objects(Bucket).get('object')?.etag });
    const [first, second] = s3.requests;
    expect([first, second].map((request) => request && isBySdk(request))).toEqual([true, false]);
    const { range: _, ...headers } = constant(second?.headers ?? {});
    expect(constant(first?.headers ?? {})).toMatchObject(headers);
  });

  test('is read in one piece, past Node’s HTTP client, if it is not too long for that', async () => {
    await get('object', 'bytes=0-4194303');
    await get('object', 'bytes=0-4194304');
    expect(s3.requests.map(isBySdk)).toEqual([true, false, false]);
    // What Node's client sends, and we do not.
    expect(s3.requests.map(({ headers }) => headers.connection)).toEqual([
      'keep-alive',
      undefined,
      'keep-alive',
    ]);
  });

  test('that is cut is asked for again, by the SDK', async () => {
    s3.fault({ operation: 'GetObject', times: 1, reset: 'response-body' });
    const { Body: bytes, $metadata } = await get('object', 'bytes=3-5');
    expect(await bytes?.transformToString()).toBe('345');
    expect($metadata.attempts).toBe(2);
    expect(s3.requests.map(isBySdk)).toEqual([true, false, true]);
  });

  test('fails as the SDK has it fail', async () => {
    await expect(get('object', 'bytes=10-12')).rejects.toMatchObject({ name: 'InvalidRange' });
    await expect(get('none', 'bytes=0-0')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe('SendMessageBatch', () => {
  test('is the SDK’s once for each queue, then the same request without it, and what is stored is verified', async () => {
    const emulators = await startEmulators();
    onTestFinished(() => emulators.stop());
    const proxy = await startFaultProxy(emulators.aws.endpoint);
    onTestFinished(() => proxy.close());
    const sqs = createSqsClient({ ...emulators.aws, endpoint: proxy.endpoint });
    onTestFinished(() => sqs.destroy());
    const send = (MessageBody: string) =>
      sqs.send(
        new SendMessageBatchCommand({
          QueueUrl: emulators.queueUrl,
          Entries: [
            {
              Id: '0',
              MessageBody,
              MessageAttributes: { type: { DataType: 'String', StringValue: 'ä' } },
              MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } },
            },
          ],
        }),
      );
    await send('1st');
    const { Successful, $metadata } = await send('2nd');
    expect(Successful).toMatchObject([{ Id: '0', MessageId: expect.any(String) }]);
    expect($metadata).toMatchObject({ httpStatusCode: 200, attempts: 1 });
    const [first, second] = proxy.requests;
    expect([first, second].map((request) => request && isBySdk(request))).toEqual([true, false]);
    const { 'x-amz-content-sha256': _, ...headers }: IncomingHttpHeaders = constant(second?.headers ?? {});
    expect(constant(first?.headers ?? {})).toMatchObject(headers);
    const messages = await receiveAll(sqs, emulators.queueUrl);
    expect(messages.map((message) => message.Body).sort()).toEqual(['1st', '2nd']);

    const corrupt = { Successful: [{ Id: '0', MessageId: 'm', MD5OfMessageBody: 'that of another' }] };
    proxy.fault({ target: /SendMessageBatch/, respond: { status: 200, body: JSON.stringify(corrupt) } });
    await expect(send('3rd')).rejects.toThrow('Invalid MD5 checksum on messages: m');
  });
});
