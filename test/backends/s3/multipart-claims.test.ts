import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toBase64 } from '../../../src/backends/s3/checksum.ts';
import { MultipartUpload } from '../../../src/backends/s3/multipart.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const Bucket = 'bucket';
const MiB = 1024 * 1024;

let s3: StrictS3;
let subject: S3Subject;

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket], minPartBytes: 10 });
  subject = createS3Subject(s3.endpoint, Bucket);
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

/** What the only completion claimed of the whole object. */
function claimed(): Record<string, unknown> {
  const completions = s3.requests.filter(({ operation }) => operation === 'CompleteMultipartUpload');
  expect(completions.map(({ status }) => status)).toEqual([200]);
  const { headers } = completions[0] as StrictS3['requests'][number];
  return {
    crc32: headers['x-amz-checksum-crc32'],
    type: headers['x-amz-checksum-type'],
    size: headers['x-amz-mp-object-size'],
  };
}

function claimOf(bytes: Buffer): Record<string, unknown> {
  return { crc32: toBase64(crc32(bytes)), type: 'FULL_OBJECT', size: String(bytes.length) };
}

function begin(key = 'object'): MultipartUpload {
  return new MultipartUpload({ store: subject.store, key, signal: new AbortController().signal });
}

describe('the completion of a multipart upload claims size and CRC32 of the whole object', () => {
  test('of a file that a client has sent in order', async () => {
    const bytes = randomBytes(13 * MiB);
    const options = { create: true, exclusive: false, truncate: true, append: false };
    const upload = await subject.backend.beginWrite(createTestContext(), '/object', options);
    for (let at = 0; at < bytes.length; at += MiB) await upload.writeChunk(at, bytes.subarray(at, at + MiB));
    const stored = await upload.finishWrite();
    expect(claimed()).toEqual(claimOf(bytes));
    expect(stored.checksum?.value).toBe(toBase64(crc32(bytes)));
  });

  test('of parts of any length, sent in any order and again', async () => {
    const parts = [300, 10, 4096, 300, 1].map((length) => randomBytes(length));
    const upload = begin();
    for (const index of [4, 1, 0, 3, 2, 1]) {
      const body = parts[index] as Buffer;
      await upload.sendPart(index, body, crc32(body));
    }
    const bytes = Buffer.concat(parts);
    await upload.complete(parts.length, bytes.length);
    expect(claimed()).toEqual(claimOf(bytes));
    expect(s3.objects(Bucket).get('object')?.body.equals(bytes)).toBe(true);
  });

  test('of parts that were sent and parts that were copied', async () => {
    const [source, sent] = [randomBytes(100), randomBytes(20)];
    const { etag } = s3.seed(Bucket, 'source', source);
    const upload = begin();
    await upload.sendPart(0, sent, crc32(sent));
    await upload.copyPart(1, { key: 'source', etag: etag.replaceAll('"', ''), offset: 30 }, 50);
    await upload.complete(2, 70);
    expect(claimed()).toEqual(claimOf(Buffer.concat([sent, source.subarray(30, 80)])));
  });
});

test('the completion of an upload whose parts are not what was told of them is refused, and nothing appears', async () => {
  const upload = begin();
  const body = randomBytes(20);
  await upload.sendPart(0, body, crc32(body));
  await expect(upload.complete(1, 21)).rejects.toThrow('parts of 20 bytes for an object of 21');
  await expect(upload.complete(2, 20)).rejects.toThrow('part 2 is missing');
  await upload.abort();
  expect([...s3.objects(Bucket).keys()]).toEqual([]);
  expect(s3.openUploads(Bucket)).toEqual([]);
});
