import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MultipartUpload } from '../../../src/backends/s3/multipart.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const BUCKET = 'bucket';
const KEY = 'file';
const OLDER = Buffer.from('the older file');
const BODY = randomBytes(1000);

let s3: StrictS3;
let subject: S3Subject;
beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [BUCKET] });
  subject = createS3Subject(s3.endpoint, BUCKET);
  s3.seed(BUCKET, KEY, OLDER);
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

async function upload(): Promise<MultipartUpload> {
  const { signal } = new AbortController();
  const upload = new MultipartUpload({ store: subject.store, key: KEY, signal });
  await upload.sendPart(0, BODY, crc32(BODY));
  return upload;
}

const stored = () => s3.objects(BUCKET).get(KEY)?.body;
const sent = (name: string) => s3.requests.filter(({ operation }) => operation === name).length;

describe('a completion that got no answer', () => {
  test('and was made is known by its object', async () => {
    s3.fault({ operation: 'CompleteMultipartUpload', times: 1, reset: 'response' });
    expect(await (await upload()).complete(1, BODY.length)).toMatchObject({ size: BODY.length });
    expect(stored()).toEqual(BODY);
  });

  test('and was not made leaves no upload, even where an older file has the very same bytes', async () => {
    s3.seed(BUCKET, KEY, BODY);
    s3.fault({ operation: 'CompleteMultipartUpload', reset: 'request' });
    expect(await (await upload()).complete(1, BODY.length)).toMatchObject({ size: BODY.length });
    expect(s3.openUploads(BUCKET)).toEqual([]);
  });

  test('and comes to be made while we look is known too', async () => {
    s3.fault({ operation: 'CompleteMultipartUpload', reset: 'request' });
    s3.fault({ operation: 'AbortMultipartUpload', hang: 'request' })
      .reached()
      .then(() => {
        // The store was still at it, and has made the object now.
        s3.seed(BUCKET, KEY, BODY);
        s3.clearFaults();
      });
    expect(await (await upload()).complete(1, BODY.length)).toMatchObject({ size: BODY.length });
  });

  test('and was not made has failed for good: the upload is gone, the older file untouched', async () => {
    s3.fault({ operation: 'CompleteMultipartUpload', reset: 'request' });
    const failed = await upload();
    await expect(failed.complete(1, BODY.length)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(s3.openUploads(BUCKET)).toEqual([]);
    expect(stored()).toEqual(OLDER);
    await failed.abort();
  });

  test('has failed if nothing at all can be asked; the upload can be aborted later', async () => {
    s3.fault({ operation: 'CompleteMultipartUpload', reset: 'request' });
    s3.fault({ operation: 'HeadObject', respond: { status: 403, code: 'AccessDenied' } });
    s3.fault({ operation: 'AbortMultipartUpload', respond: { status: 403, code: 'AccessDenied' } });
    const failed = await upload();
    await expect(failed.complete(1, BODY.length)).rejects.toMatchObject({ code: 'ECONNRESET' });
    s3.clearFaults();
    await failed.abort();
    expect(s3.openUploads(BUCKET)).toEqual([]);
    expect(stored()).toEqual(OLDER);
  });
});

test('a completion that is refused asks no more', async () => {
  s3.fault({ operation: 'CompleteMultipartUpload', respond: { status: 400, code: 'InvalidPart' } });
  await expect((await upload()).complete(1, BODY.length)).rejects.toMatchObject({ name: 'InvalidPart' });
  expect(sent('HeadObject') + sent('AbortMultipartUpload')).toBe(0);
});
