import { describe, expect, onTestFinished, test } from 'vitest';
import { BUCKET, startEmulators } from '../../../src/cli/dev/emulators.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const MiB = 1024 * 1024;
const Bucket = 'bucket';

async function start(lacks: 'checked-part-copies'[] = []) {
  const s3 = await startStrictS3({ buckets: [Bucket], lacks });
  const subject = createS3Subject(s3.endpoint, Bucket, { detects: true });
  onTestFinished(async () => {
    subject.close();
    await s3.close();
  });
  return { s3, subject };
}

/** Changes one byte of a file of two parts and keeps the rest, for which a part is copied. */
async function change({ s3, subject }: Awaited<ReturnType<typeof start>>): Promise<Buffer> {
  const body = Buffer.alloc(11 * MiB, 'x');
  s3.seed(Bucket, 'f', body);
  const options = { create: true, exclusive: false, truncate: false, append: false };
  const upload = await subject.backend.beginWrite(createTestContext(), '/f', options);
  await upload.writeChunk(0, Buffer.from('y'));
  const { checksum, size } = await upload.finishWrite();
  expect({ checksum, size }).toMatchObject({ size: body.length });
  body[0] = 0x79;
  return body;
}

const isCorrect = (s3: StrictS3, body: Buffer) => s3.objects(Bucket).get('f')?.body?.equals(body);

describe('a store', () => {
  test('that copies parts into a checked upload verifies the whole, and is asked once', async () => {
    const started = await start();
    expect(isCorrect(started.s3, await change(started))).toBe(true);
    expect(started.s3.objects(Bucket).get('f')?.checksum?.type).toBe('FULL_OBJECT');
    await change(started);
    const tried = started.s3.requests.filter(({ key }) => key?.includes('/features-'));
    expect(tried.map(({ operation }) => operation)).toEqual([
      ...['PutObject', 'CreateMultipartUpload', 'UploadPartCopy', 'AbortMultipartUpload', 'DeleteObject'],
    ]);
    expect([...started.s3.objects(Bucket).keys()]).toEqual(['f']);
  });

  test('that does not is given unchecked ones', async () => {
    const started = await start(['checked-part-copies']);
    expect(isCorrect(started.s3, await change(started))).toBe(true);
    expect(started.s3.openUploads(Bucket)).toEqual([]);
  });

  test('that copies no parts has their bytes sent', async () => {
    const started = await start();
    const unknown = { status: 501, code: 'NotImplemented' };
    started.s3.fault({ operation: 'UploadPartCopy', respond: unknown });
    expect(isCorrect(started.s3, await change(started))).toBe(true);
    expect(started.s3.openUploads(Bucket)).toEqual([]);
  });

  test('that answers a copy by 500 is asked twice, and then has the bytes sent', async () => {
    const started = await start();
    const failed = { status: 500, code: 'InternalError' };
    const asked = started.s3.fault({ operation: 'UploadPartCopy', respond: failed });
    expect(isCorrect(started.s3, await change(started))).toBe(true);
    expect(asked.hits).toBe(2);
  });

  test('that answers one copy by 500 and the next by success copies parts', async () => {
    const started = await start();
    const failed = { status: 500, code: 'InternalError' };
    started.s3.fault({ operation: 'UploadPartCopy', nth: 1, respond: failed });
    expect(isCorrect(started.s3, await change(started))).toBe(true);
    expect(started.s3.objects(Bucket).get('f')?.checksum?.type).toBe('FULL_OBJECT');
  });

  test('of which a part that is fetched changes meanwhile gets nothing', async () => {
    const started = await start();
    started.s3.fault({ operation: 'UploadPartCopy', respond: { status: 501, code: 'NotImplemented' } });
    started.s3.fault({ operation: 'GetObject', respond: { status: 412, code: 'PreconditionFailed' } });
    await expect(change(started)).rejects.toMatchObject({ code: 'ESTALE' });
    expect(isCorrect(started.s3, Buffer.alloc(11 * MiB, 'x'))).toBe(true);
    expect(started.s3.openUploads(Bucket)).toEqual([]);
  });

  test('that cannot tell today is taken for a whole one, and asked again', async () => {
    const started = await start(['checked-part-copies']);
    const denied = { status: 403, code: 'AccessDenied' };
    const fault = started.s3.fault({ operation: 'PutObject', nth: 1, times: 2, respond: denied });
    await expect(change(started)).rejects.toMatchObject({ name: 'FsError' });
    // Before the upload is created, and before its first copy.
    expect(fault.hits).toBe(2);
    expect(isCorrect(started.s3, await change(started))).toBe(true);
  });

  test('like that of `sluice dev`, which answers a copy of a part by 500, has their bytes sent', async () => {
    const emulators = await startEmulators();
    const subject = createS3Subject(emulators.aws.endpoint, BUCKET, { detects: true });
    const { backend } = subject;
    const call = createTestContext();
    const body = Buffer.alloc(11 * MiB, 'x');
    await backend.writeFile(call, '/f', body);
    const options = { create: true, exclusive: false, truncate: false, append: true };
    const upload = await backend.beginWrite(call, '/f', options);
    await upload.writeChunk(0, Buffer.from('y'));
    expect(await upload.finishWrite()).toMatchObject({ size: body.length + 1 });
    const expected = Buffer.concat([body, Buffer.from('y')]);
    expect(expected.equals(await backend.readFile(call, '/f'))).toBe(true);
    subject.close();
    await emulators.stop();
  });
});
