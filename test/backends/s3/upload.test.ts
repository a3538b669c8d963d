import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Upload } from '../../../src/contract/backend.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { isSettled, SftpDriver, turn } from '../../support/sftp-driver.ts';
import { close, write } from '../../support/sftp-packets.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const MiB = 1024 * 1024;
const OPTIONS = { create: true, exclusive: false, truncate: true, append: false };

describe('a part of an upload to S3', () => {
  test('a part in thousands of pieces is refused, so that a write costs no more than a little', async () => {
    const s3 = await startStrictS3({ buckets: ['bucket'] });
    const subject = createS3Subject(s3.endpoint, 'bucket');
    const upload = await subject.backend.beginWrite(createTestContext(), '/f', OPTIONS);
    let refusal: unknown;
    for (let at = 20_000; at > 0 && refusal === undefined; at -= 2) {
      await (async () => upload.writeChunk(at, Buffer.of(1)))().catch((error: unknown) => {
        refusal = error;
      });
    }
    await upload.abortWrite();
    subject.close();
    await s3.close();
    expect(refusal).toMatchObject({ name: 'FsError' });
  });
});

describe('an upload to S3 that ends badly', () => {
  let s3: StrictS3;
  let subject: S3Subject;

  beforeEach(async () => {
    s3 = await startStrictS3({ buckets: ['bucket'] });
    subject = createS3Subject(s3.endpoint, 'bucket', { budgetBytes: 16 * MiB });
  });
  afterEach(async () => {
    subject.close();
    await s3.close();
  });

  async function begin(options: { readonly exclusive?: boolean } = {}): Promise<Upload> {
    return await subject.backend.beginWrite(createTestContext(), '/f', { ...OPTIONS, ...options });
  }

  async function beginLarge(): Promise<Upload> {
    const upload = await begin();
    await upload.writeChunk(0, Buffer.alloc(5 * MiB, 1));
    await upload.writeChunk(5 * MiB, Buffer.alloc(MiB, 2));
    return upload;
  }

  test('a CLOSE after a refused FSETSTAT gives back the memory and aborts the multipart upload', async () => {
    const upload = await beginLarge();
    await expect(upload.setSize(1)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'ENOTSUP' });
    expect(s3.openUploads('bucket')).toEqual([]);
    expect(subject.budget.usedBytes).toBe(0);
  });

  test('a CLOSE after a part has failed gives back the memory and aborts the multipart upload', async () => {
    s3.fault({ operation: 'UploadPart', respond: { status: 403, code: 'AccessDenied' } });
    const upload = await beginLarge();
    await expect(upload.sync()).rejects.toMatchObject({ code: 'EACCES' });
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EACCES' });
    expect(s3.openUploads('bucket')).toEqual([]);
    expect(subject.budget.usedBytes).toBe(0);
  });

  test('a multipart upload that cannot be aborted does not hide why it failed', async () => {
    s3.fault({ operation: 'CompleteMultipartUpload', respond: { status: 412, code: 'PreconditionFailed' } });
    s3.fault({ operation: 'AbortMultipartUpload', respond: { status: 403, code: 'AccessDenied' } });
    const upload = await beginLarge();
    await expect(upload.finishWrite()).rejects.toMatchObject({ name: 'FsError', code: 'ESTALE' });
  });

  test('an exclusive upload whose answer was lost is not told that its own object is somebody else’s', async () => {
    s3.fault({ operation: 'PutObject', nth: 1, reset: 'response' });
    const upload = await begin({ exclusive: true });
    await upload.writeChunk(0, Buffer.from('mine'));
    await expect(upload.finishWrite()).resolves.toMatchObject({ size: 4 });
  });

  test('a session with many small files open at once does not wait for itself', async () => {
    const driver = await SftpDriver.started({ backend: subject.backend });
    const handles: string[] = [];
    for (let index = 0; index < 6; index++) handles.push(await driver.open(`/${index}`));
    const room = driver.send(...handles.map((handle, index) => write(index, handle, 0, 'x')));
    await turn();
    void driver.send(...handles.map((handle, index) => close(10 + index, handle)));
    const stuck = !(await isSettled(room));
    await driver.session.end();
    expect(stuck).toBe(false);
  });
});

describe('an upload to S3 with holes', () => {
  let s3: StrictS3;
  let subject: S3Subject;

  beforeEach(async () => {
    s3 = await startStrictS3({ buckets: ['bucket'] });
    subject = createS3Subject(s3.endpoint, 'bucket');
  });
  afterEach(async () => {
    subject.close();
    await s3.close();
  });

  test('of hundreds of GiB is refused at once instead of sending zeros for days', async () => {
    const upload = await subject.backend.beginWrite(createTestContext(), '/f', OPTIONS);
    await upload.writeChunk(0, Buffer.from('x'));
    await upload.setSize(400 * 1024 ** 3);
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'ENOTSUP' });
    expect(s3.requests.some(({ operation }) => operation === 'UploadPart')).toBe(false);
    expect(subject.budget.usedBytes).toBe(0);
  });

  test('of some MiB is filled with zeros', async () => {
    const upload = await subject.backend.beginWrite(createTestContext(), '/f', OPTIONS);
    await upload.writeChunk(0, Buffer.from('x'));
    await upload.writeChunk(12 * MiB, Buffer.from('y'));
    await upload.finishWrite();
    const body = s3.objects('bucket').get('f')?.body;
    expect(body?.length).toBe(12 * MiB + 1);
    expect([body?.[0], body?.[12 * MiB]]).toEqual([0x78, 0x79]);
    expect(body?.subarray(1, 12 * MiB).every((byte) => byte === 0)).toBe(true);
  });
});
