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

describe('what another channel of the connection does', () => {
  const isDirectory = (path: string) =>
    expect(backend.beginWrite(context, path, REPLACE), path).rejects.toMatchObject({ code: 'EISDIR' });
  /** Runs `meanwhile` when the directory is there and its connection has not heard of it yet. */
  async function makeDir(path: string, meanwhile: () => Promise<unknown>) {
    const answer = s3.fault({ operation: 'PutObject', key: `${path.slice(1)}/.keep`, hang: 'response' });
    const made = backend.makeDir(context, path);
    await answer.reached();
    await meanwhile();
    answer.release();
    await made;
  }

  test('into a directory while it is made is seen: a file, another directory, a rename', async () => {
    await backend.writeFile(context, '/file', Buffer.from('x'));
    await makeDir('/made', async () => {
      await backend.writeFile(context, '/made/a/b/file', Buffer.from('x'));
      await backend.makeDir(context, '/made/c');
      await backend.rename(context, '/file', '/made/d/file');
    });
    for (const path of ['/made/a', '/made/a/b', '/made/c', '/made/d']) await isDirectory(path);
    expect(await requestsOf({}, '/made/file')).toEqual(['PutObject']);
  });

  test('by an upload that began before the directory was made is seen', async () => {
    const upload = await backend.beginWrite(context, '/made/a/file', REPLACE);
    await backend.makeDir(context, '/gone');
    await backend.delDir(context, '/gone');
    await backend.makeDir(context, '/made');
    await upload.finishWrite();
    await isDirectory('/made/a');
  });

  test('by moving a directory there while it is made is seen', async () => {
    await backend.writeFile(context, '/dir/sub/file', Buffer.from('x'));
    await makeDir('/made', () => backend.rename(context, '/dir', '/made/dir'));
    await isDirectory('/made/dir');
    await backend.makeDir(context, '/later');
    expect(await requestsOf({}, '/later/file')).toEqual(['PutObject']);
  });
});

describe('what is known of a connection', () => {
  const [one, another] = [createTestContext().connection, createTestContext().connection];
  let now = 0;
  let made: MadeDirectories;
  beforeEach(() => {
    now = 0;
    made = new MadeDirectories(() => now);
    made.making(one, 'bucket/dir/')();
  });

  test('is that nothing is where it has put nothing, for five minutes', () => {
    expect(made.isFree(one, 'bucket/dir/a/')).toBe(true);
    expect(made.isFree(one, 'bucket/dir/')).toBe(false);
    expect(made.isFree(one, 'bucket/other/')).toBe(false);
    expect(made.isFree(another, 'bucket/dir/a/')).toBe(false);
    now = 5 * 60 * 1000;
    expect(made.isFree(one, 'bucket/dir/a/')).toBe(false);
  });

  test('is nothing of directories that are made while others are moved', () => {
    const before = made.making(one, 'bucket/before/');
    const isMoved = made.moving(one);
    expect(made.isFree(one, 'bucket/dir/a/')).toBe(false);
    made.making(one, 'bucket/amid/')();
    const after = made.making(one, 'bucket/after/');
    isMoved();
    before();
    after();
    made.making(one, 'bucket/new/')();
    const free = ['before', 'amid', 'after', 'new'].filter((name) => made.isFree(one, `bucket/${name}/a/`));
    expect(free).toEqual(['new']);
  });

  test('is nothing any more after a move that has failed', () => {
    made.moving(one);
    made.making(one, 'bucket/new/')();
    expect(made.isFree(one, 'bucket/new/a/')).toBe(false);
  });

  test.each([
    ['so many', (n: number) => `bucket/dir/${n}/file`, 20_000],
    ['so long ones', (n: number) => `bucket/dir/${n}/${'long'.repeat(250)}`, 1_100],
  ])('is nothing any more once it has put something into %s directories', (_, nameOf, count) => {
    for (let n = 0; n < 900; n++) made.filled(one, nameOf(n));
    expect(made.isFree(one, 'bucket/dir/a/')).toBe(true);
    for (let n = 900; n < count; n++) made.filled(one, nameOf(n));
    expect(made.isFree(one, 'bucket/dir/a/')).toBe(false);
    made.making(one, 'bucket/last/')();
    expect(made.isFree(one, 'bucket/last/a/')).toBe(false);
    made.making(another, 'bucket/last/')();
    expect(made.isFree(another, 'bucket/last/a/')).toBe(true);
  });
});
