import { afterEach, beforeEach, expect, test } from 'vitest';
import { createS3Backend } from '../../../src/backends/s3/backend.ts';
import { MemoryBudget } from '../../../src/buffers/budget.ts';
import type { StreamingBackend, WriteOptions } from '../../../src/contract/backend.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const BUCKET = 'bucket';
const context = createTestContext();
const REPLACE: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };

let s3: StrictS3;
let subject: S3Subject;
let backend: StreamingBackend;
beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [BUCKET] });
  subject = createS3Subject(s3.endpoint, BUCKET);
  const budget = new MemoryBudget(64 * 1024 * 1024);
  backend = createS3Backend({ storeOf: () => subject.store, prefix: '', budget });
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

/** What the store is asked for one upload of `/a`. */
async function requestsOf(options: Partial<WriteOptions> = {}) {
  s3.clearRequests();
  const upload = await backend.beginWrite(context, '/a', { ...REPLACE, ...options });
  await upload.writeChunk(0, Buffer.from('content'));
  await upload.finishWrite();
  return s3.requests.map(({ operation }) => operation);
}

test('a file that replaces whatever is there costs two requests, new or not', async () => {
  expect(await requestsOf()).toEqual(['ListObjectsV2', 'PutObject']);
  expect(await requestsOf()).toEqual(['ListObjectsV2', 'PutObject']);
});

test('one that keeps what is there, or must not be there, is looked at first', async () => {
  expect((await requestsOf({ exclusive: true })).sort()).toEqual([
    'HeadObject',
    'ListObjectsV2',
    'PutObject',
  ]);
  expect(await requestsOf({ truncate: false })).toContain('HeadObject');
});

test('a file is written where keys lie below its name only if it is there already', async () => {
  s3.seed(BUCKET, 'a/b', 'below');
  await expect(backend.beginWrite(context, '/a', REPLACE)).rejects.toMatchObject({ code: 'EISDIR' });
  s3.seed(BUCKET, 'a', 'a file to everybody');
  expect(await requestsOf()).toEqual(['ListObjectsV2', 'HeadObject', 'PutObject']);
  await expect(backend.beginWrite(context, '/', REPLACE)).rejects.toMatchObject({ code: 'EISDIR' });
});
