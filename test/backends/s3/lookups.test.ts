import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createS3Backend } from '../../../src/backends/s3/backend.ts';
import { MadeDirectories } from '../../../src/backends/s3/made-directories.ts';
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

/** What the store is asked for one upload. */
async function requestsOf(options: Partial<WriteOptions> = {}, path = '/a', by = context) {
  s3.clearRequests();
  const upload = await backend.beginWrite(by, path, { ...REPLACE, ...options });
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

describe('in a directory that the connection has made where nothing was', () => {
  beforeEach(() => backend.makeDir(context, '/made'));

  test('a new file costs one request', async () => {
    expect(await requestsOf({}, '/made/a')).toEqual(['PutObject']);
    expect(await requestsOf({}, '/made/b')).toEqual(['PutObject']);
  });

  test('what it has made there is a directory all the same, by name or by what lies in it', async () => {
    await backend.makeDir(context, '/made/dir');
    await backend.writeFile(context, '/made/deep/er/file', Buffer.from('x'));
    await backend.writeFile(context, '/file', Buffer.from('x'));
    await backend.rename(context, '/file', '/made/moved/file');
    for (const path of ['/made', '/made/dir', '/made/deep', '/made/deep/er', '/made/moved']) {
      await expect(backend.beginWrite(context, path, REPLACE), path).rejects.toMatchObject({
        code: 'EISDIR',
      });
    }
    expect(await requestsOf({}, '/made/dir/file')).toEqual(['PutObject']);
  });

  test('another connection knows nothing of it', async () => {
    const other = { ...context, connection: { ...context.connection, id: 'another' } };
    expect(await requestsOf({}, '/made/a', other)).toEqual(['ListObjectsV2', 'PutObject']);
  });

  test('S3 is asked again once directories were moved or removed', async () => {
    await backend.makeDir(context, '/dir');
    await backend.writeFile(context, '/dir/file', Buffer.from('x'));
    await backend.rename(context, '/dir', '/made/dir');
    await expect(backend.beginWrite(context, '/made/dir', REPLACE)).rejects.toMatchObject({ code: 'EISDIR' });
    await backend.makeDir(context, '/gone');
    expect(await requestsOf({}, '/gone/a')).toEqual(['PutObject']);
    await backend.delete(context, '/gone/a');
    await backend.delDir(context, '/gone');
    expect(await requestsOf({}, '/gone/a')).toEqual(['ListObjectsV2', 'PutObject']);
  });
});

test('that nothing is there is believed for five minutes, and of so many directories', () => {
  let now = 0;
  const made = new MadeDirectories(() => now);
  made.made('one', 'bucket/dir/');
  expect(made.isFree('one', 'bucket/dir/a/')).toBe(true);
  expect(made.isFree('one', 'bucket/dir/')).toBe(false);
  expect(made.isFree('one', 'bucket/other/')).toBe(false);
  now = 5 * 60 * 1000;
  expect(made.isFree('one', 'bucket/dir/a/')).toBe(false);
  made.made('one', 'bucket/new/');
  for (let n = 0; n < 10_000; n++) made.filled('one', `bucket/new/${n}/file`);
  made.made('one', 'bucket/last/');
  expect(made.isFree('one', 'bucket/new/a/')).toBe(false);
});
