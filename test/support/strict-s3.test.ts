import { createHash } from 'node:crypto';
import { request as openRequest } from 'node:http';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeCrc32 } from './strict-s3/checksums.ts';
import { type StrictS3, startStrictS3 } from './strict-s3/server.ts';

const Bucket = 'bucket';
const AWKWARD_KEYS = [
  'plain/name.csv',
  'with space/and+plus & 100%.txt',
  'ünïcode/日本語/🎉.txt',
  'dots/../not/./resolved',
  'double//slash',
  'quote\'"<angle>&amp;',
  '%2Falready%20encoded',
  'tab\tand\nnewline',
];

let s3: StrictS3;
let client: S3Client;

beforeAll(async () => {
  s3 = await startStrictS3({ buckets: [Bucket, 'other-bucket'] });
  client = new S3Client(s3.clientConfig);
});

afterAll(async () => {
  client.destroy();
  await s3.close();
});

beforeEach(() => s3.clearRequests());

const put = (Key: string, Body: string | Readable, more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const head = (Key: string, more = {}) => client.send(new HeadObjectCommand({ Bucket, Key, ...more }));
const read = async (Key: string, more = {}) => {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return { ...answer, text: await answer.Body?.transformToString() };
};
const failure = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } });

interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, ' +
  `Signature=${'0'.repeat(64)}`;

/** A request that the SDK would not send. */
function send({ method, path, headers = {}, body = '' }: RawRequest) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const signed = { authorization: AUTHORIZATION, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers };
      const outgoing = openRequest(s3.endpoint + path, { method, headers: signed }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      });
      outgoing.on('error', reject).end(body);
    },
  );
}

describe('buckets', () => {
  test('a bucket can be made, headed and deleted, and then is gone', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'made-here' }));
    await client.send(new HeadBucketCommand({ Bucket: 'made-here' }));
    await client.send(new DeleteBucketCommand({ Bucket: 'made-here' }));
    const again = client.send(new HeadBucketCommand({ Bucket: 'made-here' }));
    await expect(again).rejects.toMatchObject(failure('NotFound', 404));
  });

  test('a bucket that exists already, or has an illegal name, is refused', async () => {
    const existing = client.send(new CreateBucketCommand({ Bucket }));
    await expect(existing).rejects.toMatchObject(failure('BucketAlreadyOwnedByYou', 409));
    const illegal = client.send(new CreateBucketCommand({ Bucket: 'No_Capitals' }));
    await expect(illegal).rejects.toMatchObject(failure('InvalidBucketName', 400));
  });

  test('a bucket that holds an object cannot be deleted', async () => {
    s3.seed('other-bucket', 'kept', 'x');
    const deletion = client.send(new DeleteBucketCommand({ Bucket: 'other-bucket' }));
    await expect(deletion).rejects.toMatchObject(failure('BucketNotEmpty', 409));
  });

  test('an object in a bucket that does not exist is NoSuchBucket', async () => {
    const missing = client.send(new PutObjectCommand({ Bucket: 'not-there', Key: 'k', Body: 'x' }));
    await expect(missing).rejects.toMatchObject(failure('NoSuchBucket', 404));
  });
});

describe('objects', () => {
  test.each(AWKWARD_KEYS)('the key %j comes back as it went', async (key) => {
    await put(key, `content of ${key}`);
    expect(s3.objects(Bucket).has(key)).toBe(true);
    expect((await read(key)).text).toBe(`content of ${key}`);
    await client.send(new DeleteObjectCommand({ Bucket, Key: key }));
    expect(s3.objects(Bucket).has(key)).toBe(false);
  });

  test('an object keeps its metadata, its headers and its MD5 as ETag', async () => {
    const headers = { ContentType: 'text/csv', CacheControl: 'no-store', ContentEncoding: 'gzip' };
    await put('report', 'a,b', { ...headers, Metadata: { author: 'me', 'upload-id': '1' } });
    const md5 = createHash('md5').update('a,b').digest('hex');
    const expected = {
      ...headers,
      Metadata: { author: 'me', 'upload-id': '1' },
      ETag: `"${md5}"`,
      ContentLength: 3,
    };
    const headed = await head('report');
    expect(headed).toMatchObject(expected);
    expect(headed.LastModified?.getTime()).toBeCloseTo(Date.now(), -5);
    expect(await read('report')).toMatchObject({ ...expected, text: 'a,b' });
  });

  test('the checksum is told on HEAD only when asked for', async () => {
    await put('summed', 'a,b');
    const value = encodeCrc32(crc32('a,b'));
    expect((await head('summed')).ChecksumCRC32).toBeUndefined();
    const asked = await head('summed', { ChecksumMode: 'ENABLED' });
    expect(asked).toMatchObject({ ChecksumCRC32: value, ChecksumType: 'FULL_OBJECT' });
  });

  test('a missing object is NoSuchKey to GET and NotFound to HEAD, and its deletion is no error', async () => {
    await expect(read('missing')).rejects.toMatchObject(failure('NoSuchKey', 404));
    await expect(head('missing')).rejects.toMatchObject(failure('NotFound', 404));
    const deletion = await client.send(new DeleteObjectCommand({ Bucket, Key: 'missing' }));
    expect(deletion.$metadata.httpStatusCode).toBe(204);
  });

  test.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
  ])('the range %s reads %s', async (Range, text, ContentRange) => {
    await put('digits', '0123456789');
    const answer = await read('digits', { Range });
    expect(answer).toMatchObject({ text, ContentRange, ContentLength: text.length });
    expect(answer.$metadata.httpStatusCode).toBe(206);
  });

  test.each(['bytes=10-', 'bytes=-0'])('the range %s of ten bytes is 416 InvalidRange', async (Range) => {
    await put('digits', '0123456789');
    await expect(read('digits', { Range })).rejects.toMatchObject(failure('InvalidRange', 416));
  });

  test('a range that cannot be understood is ignored', async () => {
    await put('digits', '0123456789');
    const answer = await read('digits', { Range: 'bytes=5-2' });
    expect(answer).toMatchObject({ text: '0123456789', $metadata: { httpStatusCode: 200 } });
  });

  test('reads obey If-Match and If-None-Match', async () => {
    const { ETag } = await put('conditional', 'x');
    expect((await read('conditional', { IfMatch: ETag })).text).toBe('x');
    await expect(read('conditional', { IfMatch: '"no"' })).rejects.toMatchObject(
      failure('PreconditionFailed', 412),
    );
    await expect(head('conditional', { IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    expect((await read('conditional', { IfNoneMatch: '"no"' })).text).toBe('x');
  });

  test('DeleteObjects deletes many, and does so silently when told', async () => {
    for (const key of ['many/1', 'many/2 &', 'many/3']) s3.seed(Bucket, key, 'x');
    const Objects = [{ Key: 'many/1' }, { Key: 'many/2 &' }, { Key: 'many/absent' }];
    const loud = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(loud.Deleted).toEqual(Objects);
    const Delete = { Objects: [{ Key: 'many/3' }], Quiet: true };
    const quiet = await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(quiet.Deleted).toBeUndefined();
    expect([...s3.objects(Bucket).keys()].filter((key) => key.startsWith('many/'))).toEqual([]);
  });

  test('DeleteObjects without a checksum, with broken XML or with 1,001 keys is refused', async () => {
    const path = `/${Bucket}?delete`;
    const body = '<Delete><Object><Key>k</Key></Object></Delete>';
    const unsummed = await send({ method: 'POST', path, body });
    expect(unsummed).toMatchObject({ status: 400, text: expect.stringContaining('InvalidRequest') });
    const broken = '<Delete><Object></Delete>';
    const headers = { 'content-md5': createHash('md5').update(broken).digest('base64') };
    const malformed = await send({ method: 'POST', path, headers, body: broken });
    expect(malformed.text).toContain('<Code>MalformedXML</Code>');
    const Objects = Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` }));
    const tooMany = client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    await expect(tooMany).rejects.toMatchObject(failure('MalformedXML', 400));
  });
});

describe('copies', () => {
  const copy = (Key: string, source: string, more = {}) => {
    const CopySource = `${Bucket}/${source.split('/').map(encodeURIComponent).join('/')}`;
    return client.send(new CopyObjectCommand({ Bucket, Key, CopySource, ...more }));
  };

  test.each(AWKWARD_KEYS)('the source %j is found by its encoded name', async (key) => {
    s3.seed(Bucket, key, `content of ${key}`, { metadata: { author: 'me' } });
    const answer = await copy('copied', key);
    const object = s3.objects(Bucket).get('copied');
    expect(object?.body.toString()).toBe(`content of ${key}`);
    expect(object?.metadata).toEqual({ author: 'me' });
    expect(answer.CopyObjectResult).toMatchObject({
      ETag: object?.etag,
      ChecksumCRC32: object?.checksum?.value,
    });
  });

  test('a source that is not URL-encoded is refused', async () => {
    s3.seed(Bucket, 'a+b', 'x');
    const headers = { 'x-amz-copy-source': `${Bucket}/a+b` };
    const answer = await send({ method: 'PUT', path: `/${Bucket}/copied`, headers });
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('InvalidArgument') });
  });

  test('REPLACE takes the metadata of the request', async () => {
    s3.seed(Bucket, 'source', 'x', { contentType: 'text/plain', metadata: { author: 'me' } });
    const more = { MetadataDirective: 'REPLACE', Metadata: { by: 'you' }, ContentType: 'text/csv' };
    await copy('copied', 'source', more);
    expect(s3.objects(Bucket).get('copied')).toMatchObject({
      metadata: { by: 'you' },
      contentType: 'text/csv',
    });
  });

  test('a copy onto itself must change something', async () => {
    s3.seed(Bucket, 'source', 'x');
    await expect(copy('source', 'source')).rejects.toMatchObject(failure('InvalidRequest', 400));
    await copy('source', 'source', { MetadataDirective: 'REPLACE', Metadata: { by: 'you' } });
    expect(s3.objects(Bucket).get('source')?.metadata).toEqual({ by: 'you' });
  });

  test('a copy obeys the conditions on its source and on its destination', async () => {
    const { etag } = s3.seed(Bucket, 'source', 'x');
    s3.seed(Bucket, 'taken', 'y');
    const failed = failure('PreconditionFailed', 412);
    await expect(copy('copied', 'source', { CopySourceIfMatch: '"no"' })).rejects.toMatchObject(failed);
    await expect(copy('copied', 'source', { CopySourceIfNoneMatch: etag })).rejects.toMatchObject(failed);
    await expect(copy('taken', 'source', { IfNoneMatch: '*' })).rejects.toMatchObject(failed);
    expect(s3.objects(Bucket).get('taken')?.body.toString()).toBe('y');
    await copy('copied', 'source', { CopySourceIfMatch: etag });
  });

  test('a source that is missing, or larger than 5 GiB, is refused', async () => {
    await expect(copy('copied', 'nowhere')).rejects.toMatchObject(failure('NoSuchKey', 404));
    s3.seed(Bucket, 'large', { size: 5 * 1024 ** 3 + 1 });
    await expect(copy('copied', 'large')).rejects.toMatchObject(failure('InvalidRequest', 400));
    s3.seed(Bucket, 'large', { size: 5 * 1024 ** 3 });
    await copy('copied', 'large');
    expect(s3.objects(Bucket).get('copied')?.size).toBe(5 * 1024 ** 3);
  });
});

describe('conditional writes', () => {
  test('If-None-Match: * creates, but never replaces', async () => {
    await put('exclusive', 'first', { IfNoneMatch: '*' });
    const second = put('exclusive', 'second', { IfNoneMatch: '*' });
    await expect(second).rejects.toMatchObject(failure('PreconditionFailed', 412));
    expect((await read('exclusive')).text).toBe('first');
  });

  test('of many at once with If-None-Match: * exactly one succeeds', async () => {
    const attempts = Array.from({ length: 10 }, (_, index) => put('raced', `${index}`, { IfNoneMatch: '*' }));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('If-Match replaces only the object that it names', async () => {
    const { ETag } = await put('versioned', '1');
    await put('versioned', '2', { IfMatch: ETag });
    await expect(put('versioned', '3', { IfMatch: ETag })).rejects.toMatchObject(
      failure('PreconditionFailed', 412),
    );
    await expect(put('not-there', '1', { IfMatch: ETag })).rejects.toMatchObject(failure('NoSuchKey', 404));
    expect((await read('versioned')).text).toBe('2');
  });
});

describe('checksums', () => {
  test('a wrong CRC32 is BadDigest and stores nothing', async () => {
    const wrong = put('damaged', 'content', { ChecksumCRC32: encodeCrc32(crc32('other')) });
    await expect(wrong).rejects.toMatchObject(failure('BadDigest', 400));
    expect(s3.objects(Bucket).has('damaged')).toBe(false);
  });

  test.each(['SHA1', 'SHA256'] as const)(
    'a right %s is taken, a wrong one is BadDigest',
    async (algorithm) => {
      const sum = (text: string) => createHash(algorithm.toLowerCase()).update(text).digest('base64');
      await put('hashed', 'content', { [`Checksum${algorithm}`]: sum('content') });
      const wrong = put('hashed', 'content', { [`Checksum${algorithm}`]: sum('other') });
      await expect(wrong).rejects.toMatchObject(failure('BadDigest', 400));
    },
  );

  test('a wrong Content-MD5 is BadDigest, and one that is none is InvalidDigest', async () => {
    const ContentMD5 = createHash('md5').update('other').digest('base64');
    await expect(put('damaged', 'content', { ContentMD5 })).rejects.toMatchObject(failure('BadDigest', 400));
    const none = put('damaged', 'content', { ContentMD5: 'none' });
    await expect(none).rejects.toMatchObject(failure('InvalidDigest', 400));
  });

  const path = `/${Bucket}/damaged`;
  const TRAILER = `x-amz-checksum-crc32:${encodeCrc32(crc32('content'))}`;

  test.each([
    ['a checksum of the wrong length', { 'x-amz-checksum-crc32': 'AAAA' }, 'InvalidRequest'],
    ['two checksums', { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-sha1': 'A' }, 'InvalidRequest'],
    ['an algorithm without a checksum', { 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'InvalidRequest'],
    ['a hash of another body', { 'x-amz-content-sha256': '0'.repeat(64) }, 'XAmzContentSHA256Mismatch'],
    ['a hash that is none', { 'x-amz-content-sha256': 'sha256' }, 'InvalidArgument'],
    ['an algorithm that this server lacks', { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, 'NotImplemented'],
  ])('%s is refused', async (_, headers: Record<string, string>, code) => {
    const answer = await send({ method: 'PUT', path, headers, body: 'content' });
    expect(answer.text).toContain(`<Code>${code}</Code>`);
    expect(s3.objects(Bucket).has('damaged')).toBe(false);
  });

  test('the SDK sends a stream in aws-chunked form with a trailing checksum, which is decoded and verified', async () => {
    const pieces = [Buffer.from('a stream '), Buffer.from('of unknown checksum')];
    await put('streamed', Readable.from(pieces), { ContentLength: 28 });
    expect(s3.requests[0]?.headers['x-amz-content-sha256']).toBe('STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    const object = s3.objects(Bucket).get('streamed');
    expect(object?.body.toString()).toBe('a stream of unknown checksum');
    expect(object?.checksum?.value).toBe(encodeCrc32(crc32('a stream of unknown checksum')));
    expect(object?.systemHeaders['content-encoding']).toBeUndefined();
  });

  test.each([
    ['a wrong trailing checksum', '7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', 'BadDigest'],
    ['no trailing checksum', '7\r\ncontent\r\n0\r\n\r\n', 'MalformedTrailerError'],
    ['a shorter body than announced', '3\r\ncon\r\n0\r\n\r\n', 'IncompleteBody'],
    ['a longer body than announced', '9\r\ncontent..\r\n0\r\n\r\n', 'IncompleteBody'],
    ['a chunk that is cut off', '7\r\ncon', 'IncompleteBody'],
    ['a chunk longer than it says', `7\r\ncontent!\r\n0\r\n${TRAILER}\r\n\r\n`, 'IncompleteBody'],
  ])('an aws-chunked body with %s is refused with an answer, not a reset', async (_, body, code) => {
    const headers = {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '7',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    const answer = await send({ method: 'PUT', path, headers, body });
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining(`<Code>${code}</Code>`) });
    expect(s3.objects(Bucket).has('damaged')).toBe(false);
  });
});

describe('requests that are refused', () => {
  test('a request without authorization is 403, and one with a malformed one is 400', async () => {
    const path = `/${Bucket}/k`;
    const { port } = new URL(s3.endpoint);
    const anonymous = await fetch(`http://127.0.0.1:${port}${path}`);
    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toContain('<Code>AccessDenied</Code>');
    const malformed = await send({ method: 'GET', path, headers: { authorization: 'Bearer token' } });
    expect(malformed.text).toContain('<Code>AuthorizationHeaderMalformed</Code>');
  });

  test('a key of 1,024 bytes is taken and one of 1,025 is KeyTooLongError', async () => {
    await put('é'.repeat(512), 'x');
    await expect(put(`${'é'.repeat(512)}x`, 'x')).rejects.toMatchObject(failure('KeyTooLongError', 400));
  });

  test.each(['%zz', '%', '%FF'])(
    'a path with the escape %s, which is no UTF-8, is InvalidURI',
    async (sequence) => {
      const answer = await send({ method: 'PUT', path: `/${Bucket}/${sequence}`, body: 'x' });
      expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('<Code>InvalidURI</Code>') });
    },
  );

  test('more than 2 KiB of metadata is MetadataTooLarge', async () => {
    const large = put('k', 'x', { Metadata: { note: 'x'.repeat(2045) } });
    await expect(large).rejects.toMatchObject(failure('MetadataTooLarge', 400));
  });

  test('more than 5 GiB in one request is EntityTooLarge by its announced size', async () => {
    const size = String(5 * 1024 ** 3 + 1);
    const headers = {
      'x-amz-decoded-content-length': size,
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    };
    const answer = await send({ method: 'PUT', path: `/${Bucket}/k`, headers, body: '0\r\n\r\n' });
    expect(answer.text).toContain('<Code>EntityTooLarge</Code>');
  });

  test('a PUT without Content-Length is refused', async () => {
    const headers = { 'transfer-encoding': 'chunked' };
    const answer = await send({ method: 'PUT', path: `/${Bucket}/k`, headers, body: 'x' });
    expect(answer.text).toContain('<Code>NotImplemented</Code>');
  });

  test('a body that ends before its Content-Length stores nothing and is recorded as aborted', async () => {
    const outgoing = openRequest(`${s3.endpoint}/${Bucket}/cut-short`, {
      method: 'PUT',
      headers: {
        authorization: AUTHORIZATION,
        'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
        'content-length': '10',
      },
    });
    outgoing.on('error', () => {});
    outgoing.write('12345');
    await s3.waitFor(({ key }) => key === 'cut-short');
    outgoing.destroy();
    const record = await s3.waitFor(({ key, aborted }) => key === 'cut-short' && aborted);
    expect(record.status).toBeUndefined();
    expect(s3.objects(Bucket).has('cut-short')).toBe(false);
  });

  test('a feature that the server lacks is NotImplemented, not ignored', async () => {
    for (const path of [`/${Bucket}`, `/${Bucket}/k?acl`, `/${Bucket}/k?versionId=1`]) {
      const answer = await send({ method: 'GET', path });
      expect(answer).toMatchObject({
        status: 501,
        text: expect.stringContaining('<Code>NotImplemented</Code>'),
      });
    }
  });

  test('every answer has a request id, and an error names it', async () => {
    const error = await send({ method: 'GET', path: `/${Bucket}/absent%20%26` });
    expect(error.text).toContain(`<RequestId>${error.headers['x-amz-request-id']}</RequestId>`);
    expect(error.text).toContain('<Key>absent &amp;</Key>');
    const { $metadata } = await put('k', 'x');
    expect($metadata.requestId).toMatch(/^[0-9A-F]{16}$/);
  });
});

test('requests are recorded with operation, key, query, headers, status and times', async () => {
  const before = Date.now();
  await put('recorded/ä', 'x', { Metadata: { note: 'seen' } });
  await expect(read('recorded/absent')).rejects.toThrow();
  expect(s3.requests).toMatchObject([
    { operation: 'PutObject', method: 'PUT', bucket: Bucket, key: 'recorded/ä', status: 200, aborted: false },
    { operation: 'GetObject', key: 'recorded/absent', status: 404, errorCode: 'NoSuchKey' },
  ]);
  const [first] = s3.requests;
  expect(first?.query).toEqual({ 'x-id': 'PutObject' });
  expect(first?.headers['x-amz-meta-note']).toBe('seen');
  expect(first?.time).toBeGreaterThanOrEqual(before);
  expect(first?.endTime).toBeGreaterThanOrEqual(first?.time ?? Number.NaN);
});

test('waitFor resolves for requests of the past and of the future, and names what it saw when it gives up', async () => {
  const future = s3.waitFor(({ key, status }) => key === 'awaited' && status === 200);
  await put('awaited', 'x');
  expect((await future).operation).toBe('PutObject');
  expect((await s3.waitFor(({ key }) => key === 'awaited')).key).toBe('awaited');
  const never = s3.waitFor(({ key }) => key === 'never', { timeoutMs: 5 });
  await expect(never).rejects.toThrow(/within 5 ms; last seen: PutObject awaited 200/);
});
