import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { HeadObjectCommand, PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANY, NEW, type WriteCondition } from '../../../src/backends/s3/conditions.ts';
import { putObject } from '../../../src/backends/s3/put-object.ts';
import { findStored, mayBeDone } from '../../../src/backends/s3/stored-file.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const Bucket = 'bucket';
const BODY = Buffer.from('the new content');
const OTHER = Buffer.from('another content'); // of the same size
const CRC = crc32(BODY);
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

let s3: StrictS3;
let subject: S3Subject;

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
  subject = createS3Subject(s3.endpoint, Bucket);
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

const { signal } = new AbortController();
const put = (key: string, condition: WriteCondition = ANY) =>
  putObject(subject.store, { key, body: BODY, crc: CRC, condition, signal });

describe('findStored', () => {
  test('knows an object by its size and checksum', async () => {
    s3.seed(Bucket, 'same', BODY);
    s3.seed(Bucket, 'other', OTHER);
    s3.seed(Bucket, 'longer', `${BODY}!`);
    const find = (key: string) => findStored(subject.store, key, BODY.length, CRC, { etag: md5(BODY) });
    expect(await find('same')).toMatchObject({ ETag: `"${md5(BODY)}"` });
    expect(await find('other')).toBeUndefined();
    expect(await find('longer')).toBeUndefined();
    expect(await find('missing')).toBeUndefined();
  });

  describe('where the store keeps no checksum', () => {
    beforeEach(async () => {
      await subject.store.client.send(new PutObjectCommand({ Bucket, Key: 'bare', Body: BODY }));
      const request = new HeadObjectCommand({ Bucket, Key: 'bare', ChecksumMode: 'ENABLED' });
      expect((await subject.store.client.send(request)).ChecksumCRC32).toBeUndefined();
    });

    test('takes the proof, and nothing less', async () => {
      const find = (bytes: Buffer) =>
        findStored(subject.store, 'bare', BODY.length, crc32(bytes), { etag: md5(bytes) });
      expect(await find(BODY)).toBeDefined();
      expect(await find(OTHER)).toBeUndefined();
    });

    test('believes a store that has said it made the object', async () => {
      expect(await findStored(subject.store, 'bare', BODY.length, CRC)).toBeDefined();
      expect(await findStored(subject.store, 'bare', BODY.length + 1, CRC)).toBeUndefined();
    });
  });

  test('fails when the store cannot be asked', async () => {
    s3.fault({ operation: 'HeadObject', respond: { status: 403, code: 'AccessDenied' } });
    await expect(findStored(subject.store, 'k', 1, 1)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
  });
});

describe('putObject', () => {
  test('whose every answer is lost has stored its object all the same', async () => {
    const fault = s3.fault({ operation: 'PutObject', reset: 'response' });
    expect(await put('lost')).toMatchObject({ size: BODY.length, etag: md5(BODY) });
    expect(fault.hits).toBeGreaterThan(1);
  });

  test('whose every request is lost has failed, whatever of its size is there', async () => {
    // Without a checksum, which would tell it apart at once.
    await subject.store.client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: OTHER }));
    s3.fault({ operation: 'PutObject', reset: 'request' });
    await expect(put('kept')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(s3.objects(Bucket).get('kept')?.body).toEqual(OTHER);
  });

  test('exclusive, knows itself in what exists already when its first answer was lost', async () => {
    s3.fault({ operation: 'PutObject', times: 1, reset: 'response' });
    expect(await put('mine', NEW)).toMatchObject({ etag: md5(BODY) });
  });

  test("exclusive, does not take another's object for its own", async () => {
    s3.seed(Bucket, 'theirs', OTHER);
    s3.fault({ operation: 'PutObject', times: 1, respond: { status: 500, code: 'InternalError' } });
    await expect(put('theirs', NEW)).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });

  test('that is refused at once asks no more', async () => {
    s3.seed(Bucket, 'refused', BODY);
    s3.fault({ operation: 'PutObject', respond: { status: 403, code: 'AccessDenied' } });
    await expect(put('refused')).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(s3.requests.map(({ operation }) => operation)).toEqual(['PutObject']);
  });

  test('reports its own failure when the store cannot be asked either', async () => {
    s3.fault({ operation: 'PutObject', respond: { status: 500, code: 'InternalError' } });
    s3.fault({ operation: 'HeadObject', respond: { status: 403, code: 'AccessDenied' } });
    await expect(put('unknown')).rejects.toMatchObject({ name: 'InternalError' });
  });
});

describe('mayBeDone', () => {
  const answered = (name: string, httpStatusCode: number, attempts: number) =>
    new S3ServiceException({ name, $fault: 'server', $metadata: { httpStatusCode, attempts } });
  const unanswered = (name: string, code?: string) => Object.assign(new Error('x'), { name, code });

  test.each([
    ['the echo of an attempt before', answered('NoSuchUpload', 404, 2), true],
    ['a refusal after an attempt that may have been done', answered('AccessDenied', 403, 2), true],
    ['a refusal of the first attempt', answered('PreconditionFailed', 412, 1), false],
    ['a failure within the store', answered('InternalError', 500, 1), true],
    ['a gateway that gave up', answered('504', 504, 1), true],
    ['silence', unanswered('TimeoutError'), true],
    ['a connection that was cut', unanswered('Error', 'ECONNRESET'), true],
    ['what the caller cancelled', unanswered('AbortError'), false],
    [
      'what the caller cancelled in its second attempt',
      Object.assign(unanswered('AbortError'), { $metadata: { attempts: 2 } }),
      false,
    ],
    ['a request that never went out', unanswered('CredentialsProviderError'), false],
    ['no error at all', undefined, false],
  ])('%s', (_what, error, done) => {
    expect(mayBeDone(error)).toBe(done);
  });
});
