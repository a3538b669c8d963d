import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

/** What another client does to the same keys while an operation is under way. */
const MiB = 1024 * 1024;
const Bucket = 'bucket';
const KEEPING = { create: true, exclusive: false, truncate: false, append: false };

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

const body = (key: string) => s3.objects(Bucket).get(key)?.body?.toString();
const keys = () => [...s3.objects(Bucket).keys()].sort();
const rename = (from: string, to: string) => subject.backend.rename(createTestContext(), from, to);

describe('an upload that keeps what was there', () => {
  const begin = () => subject.backend.beginWrite(createTestContext(), '/f', KEEPING);

  test.each([
    ['in one request', 4],
    ['by a multipart upload', 6 * MiB],
  ])('and is stored %s does not replace what has taken its place', async (_, size) => {
    s3.seed(Bucket, 'f', 'x'.repeat(size));
    const upload = await begin();
    await upload.writeChunk(0, Buffer.alloc(size, 'y'));
    s3.seed(Bucket, 'f', 'theirs');
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'ESTALE' });
    expect(body('f')).toBe('theirs');
    expect(s3.openUploads(Bucket)).toEqual([]);
  });

  test('knows its own object when the first answer to the completion was lost', async () => {
    s3.seed(Bucket, 'f', 'x'.repeat(6 * MiB));
    s3.fault({ operation: 'CompleteMultipartUpload', nth: 1, reset: 'response' });
    const upload = await begin();
    await upload.writeChunk(0, Buffer.from('y'));
    await expect(upload.finishWrite()).resolves.toMatchObject({ size: 6 * MiB });
  });
});

describe('a rename of a file', () => {
  test('does not copy what has taken the place of the file that was found', async () => {
    s3.seed(Bucket, 'from', 'found');
    const copy = s3.fault({ operation: 'CopyObject', hang: 'request' });
    const renaming = rename('/from', '/to');
    await copy.reached();
    s3.seed(Bucket, 'from', 'theirs');
    copy.release();
    await expect(renaming).rejects.toMatchObject({ code: 'ESTALE' });
    expect(keys()).toEqual(['from']);
  });

  test('of more than 5 GiB copies it by parts, its metadata with it', async () => {
    const size = 6 * 1024 ** 3;
    s3.seed(Bucket, 'from', { size }, { metadata: { mtime: '1' } });
    await rename('/from', '/to');
    expect(keys()).toEqual(['to']);
    expect(s3.objects(Bucket).get('to')).toMatchObject({ size, metadata: { mtime: '1' } });
    expect(s3.requests.filter(({ operation }) => operation === 'UploadPartCopy')).toHaveLength(12);
    expect(s3.openUploads(Bucket)).toEqual([]);
  });

  test('leaves alone what has taken the place of the file once it was copied', async () => {
    s3.seed(Bucket, 'from', 'found');
    const deletion = s3.fault({ operation: 'DeleteObject', hang: 'request' });
    const renaming = rename('/from', '/to');
    await deletion.reached();
    s3.seed(Bucket, 'from', 'theirs');
    deletion.release();
    await renaming;
    expect([body('from'), body('to')]).toEqual(['theirs', 'found']);
  });
});

describe('an exclusive rename', () => {
  const exclusively = () => subject.backend.rename(createTestContext(), '/from', '/to', { exclusive: true });
  const upload = async (path: string, id: string) => {
    const options = { ...KEEPING, create: true, notes: { 'upload-id': id } };
    const begun = await subject.backend.beginWrite(createTestContext(), path, options);
    await begun.writeChunk(0, Buffer.from('ours'));
    await begun.finishWrite();
  };

  test('does not replace what has come to its target meanwhile, be it the same bytes', async () => {
    await upload('/from', 'one');
    // The second attempt: the first has come to nothing, for all that is known.
    s3.fault({ operation: 'CopyObject', times: 1, reset: 'request' });
    const copy = s3.fault({ operation: 'CopyObject', hang: 'request' });
    const renaming = exclusively();
    await copy.reached();
    await upload('/to', 'other');
    copy.release();
    await expect(renaming).rejects.toMatchObject({ code: 'EEXIST' });
    expect(keys()).toEqual(['from', 'to']);
    expect(s3.objects(Bucket).get('to')?.metadata['sluice-upload-id']).toBe('other');
  });

  test('knows its own copy when the answer to it was lost', async () => {
    await upload('/from', 'one');
    s3.fault({ operation: 'CopyObject', times: 1, reset: 'response' });
    await expect(exclusively()).resolves.toMatchObject({ size: 4, location: { key: 'to' } });
    expect(keys()).toEqual(['to']);
  });
});

describe('a rename of a directory', () => {
  beforeEach(() => {
    for (const name of ['.keep', 'a', 'b/c', 'd', 'é']) s3.seed(Bucket, `from/${name}`, name);
  });

  test('leaves what comes to the source meanwhile where it is', async () => {
    const copy = s3.fault({ operation: 'CopyObject', nth: 1, hang: 'request' });
    const renaming = rename('/from', '/to');
    await copy.reached();
    for (const name of ['0', 'b/b', 'zz']) s3.seed(Bucket, `from/${name}`, 'new');
    copy.release();
    await renaming;
    expect(keys()).toEqual([
      ...['from/0', 'from/b/b', 'from/zz'],
      ...['to/.keep', 'to/a', 'to/b/c', 'to/d', 'to/é'],
    ]);
  });

  test.each([
    ['its copies', 'CopyObject' as const, 3],
    ['its deletions', 'DeleteObjects' as const, 1],
    ['the end', 'DeleteObject' as const, 1],
  ])('that fails in %s loses nothing, and the same rename completes it', async (_, operation, nth) => {
    s3.fault({ operation, nth, times: 1, respond: { status: 403, code: 'AccessDenied' } });
    await expect(rename('/from', '/to')).rejects.toMatchObject({ name: 'FsError' });
    if (operation !== 'DeleteObject') {
      expect(body('from/b/c')).toBe('b/c');
      await rename('/from', '/to');
      expect(keys()).toEqual(['to/.keep', 'to/a', 'to/b/c', 'to/d', 'to/é']);
    }
    for (const name of ['.keep', 'a', 'b/c', 'd', 'é']) expect(body(`to/${name}`)).toBe(name);
  });

  test('onto one with files in it is refused, if it has not begun before', async () => {
    s3.seed(Bucket, 'to/mine', 'mine');
    await expect(rename('/from', '/to')).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    await rename('/from', '/elsewhere');
    expect(keys()).toContain('to/mine');
  });
});

describe('attributes that come once a multipart upload has begun', () => {
  const TRUNCATING = { ...KEEPING, truncate: true, attributes: { mode: 0o600 } };

  async function upload() {
    const upload = await subject.backend.beginWrite(createTestContext(), '/f', TRUNCATING);
    await upload.writeChunk(0, Buffer.alloc(11 * MiB, 'x'));
    await upload.sync();
    upload.setAttributes({ mtime: 1_000_000 });
    return upload;
  }

  test('are those of the object, whose bytes stay', async () => {
    const stored = await (await upload()).finishWrite();
    const object = s3.objects(Bucket).get('f');
    expect(object?.metadata).toMatchObject({ mtime: '1000000', mode: String(0o100600) });
    expect(stored).toMatchObject({ size: 11 * MiB, etag: object?.etag.replaceAll('"', '') });
    expect(stored.checksum?.value).toBe(object?.checksum?.value);
    const info = await subject.backend.fileInfo(createTestContext(), '/f');
    expect(info).toMatchObject({ size: 11 * MiB, mtime: 1_000_000, mode: 0o600 });
  });

  test('cost nothing when they are not new', async () => {
    const begun = await upload();
    begun.setAttributes({ mode: 0o600, mtime: 1 });
    await begun.finishWrite();
    s3.clearRequests();
    const again = await subject.backend.beginWrite(createTestContext(), '/g', TRUNCATING);
    await again.writeChunk(0, Buffer.alloc(11 * MiB, 'x'));
    again.setAttributes({ mode: 0o600 });
    await again.finishWrite();
    expect(s3.requests.filter(({ operation }) => operation === 'CopyObject')).toEqual([]);
  });

  test('are not given to what has taken the place of the object', async () => {
    const copy = s3.fault({ operation: 'CopyObject', hang: 'request' });
    const finishing = (await upload()).finishWrite();
    await copy.reached();
    s3.seed(Bucket, 'f', 'theirs');
    copy.release();
    expect(await finishing).toMatchObject({ size: 11 * MiB });
    expect(body('f')).toBe('theirs');
  });

  test('are kept although the answer to the copy was lost', async () => {
    s3.fault({ operation: 'CopyObject', nth: 1, reset: 'response' });
    const stored = await (await upload()).finishWrite();
    expect(s3.objects(Bucket).get('f')).toMatchObject({
      etag: `"${stored.etag}"`,
      metadata: { mtime: '1000000' },
    });
  });
});
