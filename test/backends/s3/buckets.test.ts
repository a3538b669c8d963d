import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Buckets } from '../../../src/backends/s3/buckets.ts';
import { Recent } from '../../../src/backends/s3/recent.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject } from '../../support/s3-subject.ts';
import {
  BUCKET,
  type Cloud,
  type OpenedBackend,
  OTHER_BUCKET,
  openTenantBackend,
  startCloud,
} from '../../support/tenant-backend.ts';

const HOUR_MS = 3_600_000;
const bytes = Buffer.from('bytes');
const session = { prefix: 'in/' };
const of = (bucket?: string) =>
  createTestContext({
    principal: { username: 'acme', session, ...(bucket === undefined ? {} : { bucket }) },
  });

let cloud: Cloud;
let opened: OpenedBackend;

beforeEach(async () => {
  cloud = await startCloud();
  opened = await openTenantBackend(cloud, { assumeRole: undefined, staleUploadMs: HOUR_MS });
});
afterEach(async () => {
  vi.useRealTimers();
  await opened.close();
  await cloud.close();
});

const keys = (bucket: string) => [...cloud.s3.objects(bucket).keys()].sort();

describe('a principal with a bucket', () => {
  test('has files there, and those of others are not seen', async () => {
    const { backend } = opened;
    await backend.writeFile(of(), '/of-all', bytes);
    await backend.writeFile(of(OTHER_BUCKET), '/own', bytes);
    await backend.rename(of(OTHER_BUCKET), '/own', '/renamed');
    await backend.makeDir(of(OTHER_BUCKET), '/dir');
    expect(keys(OTHER_BUCKET)).toEqual(['in/dir/.keep', 'in/renamed']);
    expect(keys(BUCKET)).toEqual(['in/of-all']);
    await expect(backend.fileInfo(of(OTHER_BUCKET), '/of-all')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(Buffer.from(await backend.readFile(of(OTHER_BUCKET), '/renamed'))).toEqual(bytes);
  });

  test('has the location of each file, before and after it is there, name that bucket', async () => {
    const { backend } = opened;
    const location = { bucket: OTHER_BUCKET, key: 'in/a' };
    expect(backend.locate(of(OTHER_BUCKET), '/a')).toEqual(location);
    const upload = await backend.beginWrite(of(OTHER_BUCKET), '/a', {
      create: true,
      exclusive: false,
      truncate: true,
      append: false,
    });
    expect((await upload.finishWrite()).location).toEqual(location);
    expect((await backend.storedFile(of(OTHER_BUCKET), '/a')).location).toEqual(location);
    expect((await backend.rename(of(OTHER_BUCKET), '/a', '/b'))?.location).toEqual({
      bucket: OTHER_BUCKET,
      key: 'in/b',
    });
    expect(backend.locate(of(), '/a')).toEqual({ bucket: BUCKET, key: 'in/a' });
  });

  test('has pieces of uploads put aside there too', async () => {
    const upload = await opened.backend.beginWrite(of(OTHER_BUCKET), '/a', {
      create: true,
      exclusive: false,
      truncate: true,
      append: false,
      read: true,
    });
    await upload.writeChunk(0, Buffer.alloc(24 * 1024 * 1024, 'x'));
    await upload.sync();
    expect(keys(OTHER_BUCKET).some((key) => key.startsWith('.sluice/staging/'))).toBe(true);
    expect(keys(BUCKET)).toEqual([]);
    await upload.abortWrite();
    expect(keys(OTHER_BUCKET)).toEqual([]);
  });

  test.each(['', 'UPPER', 'a/b', '*', 'arn:aws:s3:::b', '..'])(
    'that is none ("%s") may do nothing, and S3 is not asked',
    async (bucket) => {
      await expect(opened.backend.fileInfo(of(bucket), '/a')).rejects.toMatchObject({ code: 'EACCES' });
      await expect(opened.backend.writeFile(of(bucket), '/a', bytes)).rejects.toMatchObject({
        code: 'EACCES',
      });
      expect(cloud.s3.requests).toEqual([]);
    },
  );

  test('that does not exist is EIO', async () => {
    await expect(opened.backend.writeFile(of('no-such-bucket'), '/a', bytes)).rejects.toMatchObject({
      code: 'EIO',
    });
  });
});

describe('records of jobs', () => {
  test('stay in the bucket of the service, and find files in every bucket', async () => {
    const { backend, outboxStore } = opened;
    await backend.writeFile(of(), '/a', Buffer.from('of the service'));
    await backend.writeFile(of(OTHER_BUCKET), '/a', bytes);
    await outboxStore?.put('outbox/1', '{}');
    expect(keys(BUCKET)).toEqual(['.sluice/outbox/1', 'in/a']);
    const found = await outboxStore?.storedFile({ bucket: OTHER_BUCKET, key: 'in/a' });
    expect(found).toMatchObject({ size: bytes.length, location: { bucket: OTHER_BUCKET, key: 'in/a' } });
  });
});

describe('sweeps', () => {
  /** A multipart upload of two hours ago. */
  async function abandon(bucket: string): Promise<void> {
    const { store, close } = createS3Subject(cloud.s3.endpoint, bucket);
    await store.client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'in/left' }));
    for (const { initiated } of cloud.s3.openUploads(bucket)) initiated.setTime(Date.now() - 2 * HOUR_MS);
    close();
  }

  test('go through each bucket that was used since the start, from the first use on', async () => {
    await abandon(BUCKET);
    await abandon(OTHER_BUCKET);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    opened.start();
    await vi.advanceTimersByTimeAsync(60_000);
    await cloud.s3.waitFor(({ operation, status }) => operation === 'AbortMultipartUpload' && status === 204);
    expect(cloud.s3.openUploads(OTHER_BUCKET)).toHaveLength(1);
    await opened.backend.writeFile(of(OTHER_BUCKET), '/a', bytes);
    await vi.advanceTimersByTimeAsync(60_000);
    await cloud.s3.waitFor(
      ({ operation, bucket, status }) =>
        operation === 'AbortMultipartUpload' && bucket === OTHER_BUCKET && status === 204,
    );
    expect(cloud.s3.openUploads(BUCKET)).toHaveLength(0);
    expect(cloud.s3.openUploads(OTHER_BUCKET)).toHaveLength(0);
  });

  test('end for the bucket that was not used longest, where there are too many', async () => {
    const { store, close } = createS3Subject(cloud.s3.endpoint, BUCKET);
    const log: string[] = [];
    const createSweeper = ({ bucket }: { readonly bucket: string }) => ({
      sweep: () => Promise.reject(new Error('nobody asks')),
      start: () => void log.push(`start ${bucket}`),
      close: async () => void log.push(`close ${bucket}`),
    });
    const buckets = new Buckets({ own: store, createSweeper, limit: 2 });
    buckets.store('one');
    buckets.start();
    const two = buckets.store('two');
    buckets.store('one');
    buckets.store('three');
    expect(log).toEqual([`start ${BUCKET}`, 'start one', 'start two', 'start three', 'close two']);
    expect(buckets.store('two')).not.toBe(two);
    expect(buckets.store()).toBe(store);
    await buckets.close();
    expect(log.filter((line) => line.startsWith('close'))).toHaveLength(5);
    close();
  });
});

test('values are made once and kept, the last ones that were asked for', () => {
  const gone: number[] = [];
  let made = 0;
  const recent = new Recent<number>(2, (value) => gone.push(value));
  const get = (name: string) =>
    recent.get(name, () => {
      made += 1;
      return made;
    });
  expect([get('a'), get('b'), get('a'), get('c'), get('a'), get('b')]).toEqual([1, 2, 1, 3, 1, 4]);
  expect(gone).toEqual([2, 3]);
  expect(recent.values()).toEqual([1, 4]);
});
