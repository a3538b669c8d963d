import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONTENTS_PATH, type SinkContents, type SinkServer, startSink } from '../../bench/sink/server.ts';
import { encodeCrc32 } from '../support/strict-s3/checksums.ts';

// What an upload of more than S3's 10,000 parts is made of: parts sent to staging objects, copied into the last one.
const Bucket = 'bench-bucket';
const Key = 'in/huge & more.bin';
const STAGED = '.sluice/staging/a b/1';
const PIECES = ['alpha', 'beta', 'gamma'].map((text) => Buffer.from(text.repeat(1000)));
const WHOLE = Buffer.concat(PIECES);
const checksum = (body: Buffer) => encodeCrc32(crc32(body));

let sink: SinkServer;
let endpoint: string;
let s3: S3Client;

beforeEach(async () => {
  sink = await startSink({ latencyMs: 0, verify: true });
  endpoint = `http://127.0.0.1:${sink.port}`;
  s3 = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  });
});

afterEach(async () => {
  s3.destroy();
  await sink.close();
});

async function contents(): Promise<SinkContents> {
  return (await (await fetch(endpoint + CONTENTS_PATH)).json()) as SinkContents;
}

async function create(key: string): Promise<{ Bucket: string; Key: string; UploadId: string }> {
  const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: key }));
  return { Bucket, Key: key, UploadId };
}

/** A staging object made of the pieces as its parts. */
async function stage(): Promise<void> {
  const upload = await create(STAGED);
  const Parts = [];
  for (const [index, Body] of PIECES.entries()) {
    const PartNumber = index + 1;
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
}

const CopySource = encodeURIComponent(`${Bucket}/${STAGED}`);

describe('UploadPartCopy', () => {
  test('of a whole object has its CRC32, and so has the object made of it', async () => {
    await stage();
    const upload = await create(Key);
    const copied = await s3.send(new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource }));
    expect(copied.CopyPartResult).toMatchObject({ ChecksumCRC32: checksum(WHOLE) });
    const tail = Buffer.from('the last part');
    const sent = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 2, Body: tail }));
    const Parts = [
      { PartNumber: 1, ETag: copied.CopyPartResult?.ETag },
      { PartNumber: 2, ETag: sent.ETag },
    ];
    await s3.send(
      new CompleteMultipartUploadCommand({
        ...upload,
        MultipartUpload: { Parts },
        ChecksumCRC32: checksum(Buffer.concat([WHOLE, tail])),
        MpuObjectSize: WHOLE.length + tail.length,
      }),
    );
    expect((await contents()).objects).toContainEqual({
      key: Key,
      size: WHOLE.length + tail.length,
      crc32: checksum(Buffer.concat([WHOLE, tail])),
    });
  });

  test('of a range made of whole parts has its CRC32', async () => {
    await stage();
    const [first, second] = PIECES as [Buffer, Buffer];
    const CopySourceRange = `bytes=${first.length}-${first.length + second.length - 1}`;
    const copied = await s3.send(
      new UploadPartCopyCommand({ ...(await create(Key)), PartNumber: 1, CopySource, CopySourceRange }),
    );
    expect(copied.CopyPartResult?.ChecksumCRC32).toBe(checksum(second));
  });

  test('of any other range has none, for the sink has no bytes to compute it from', async () => {
    await stage();
    const copy = { ...(await create(Key)), PartNumber: 1, CopySource, CopySourceRange: 'bytes=1-7' };
    const { CopyPartResult } = await s3.send(new UploadPartCopyCommand(copy));
    expect(CopyPartResult?.ETag).toBeDefined();
    expect(CopyPartResult?.ChecksumCRC32).toBeUndefined();
  });

  test('of what is not there, and of a range past the end, is refused', async () => {
    const upload = { ...(await create(Key)), PartNumber: 1, CopySource };
    await expect(s3.send(new UploadPartCopyCommand(upload))).rejects.toMatchObject({ name: 'NoSuchKey' });
    await stage();
    const past = { ...upload, CopySourceRange: `bytes=0-${WHOLE.length}` };
    await expect(s3.send(new UploadPartCopyCommand(past))).rejects.toMatchObject({ name: 'InvalidArgument' });
  });

  test('of more than 5 GiB is refused, a range of an object that large is not', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: STAGED, Body: WHOLE }));
    // Copies of copies, until the object is too large in name.
    let size = WHOLE.length;
    while (size <= 5 * 2 ** 30) {
      const upload = await create(STAGED);
      const parts = Math.min(100, Math.ceil((5 * 2 ** 30 + 1) / size));
      const Parts = [];
      for (let PartNumber = 1; PartNumber <= parts; PartNumber++) {
        const copied = await s3.send(new UploadPartCopyCommand({ ...upload, PartNumber, CopySource }));
        Parts.push({ PartNumber, ETag: copied.CopyPartResult?.ETag });
      }
      await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
      size *= parts;
    }
    const copy = { ...(await create(Key)), PartNumber: 1, CopySource };
    await expect(s3.send(new UploadPartCopyCommand(copy))).rejects.toMatchObject({ name: 'InvalidRequest' });
    const ranged = { ...copy, CopySourceRange: `bytes=0-${5 * 2 ** 30 - 1}` };
    await expect(s3.send(new UploadPartCopyCommand(ranged))).resolves.toBeDefined();
  });
});

test('a body that is not what was declared is refused, and so is a completion', async () => {
  const wrong = { Bucket, Key, Body: WHOLE, ChecksumCRC32: 'AAAAAA==' };
  await expect(s3.send(new PutObjectCommand(wrong))).rejects.toMatchObject({ name: 'BadDigest' });
  const upload = await create(Key);
  const part = { PartNumber: 1 };
  const { ETag } = await s3.send(new UploadPartCommand({ ...upload, ...part, Body: WHOLE }));
  const completion = { ...upload, MultipartUpload: { Parts: [{ ...part, ETag }] } };
  await expect(
    s3.send(new CompleteMultipartUploadCommand({ ...completion, ChecksumCRC32: 'AAAAAA==' })),
  ).rejects.toMatchObject({ name: 'BadDigest' });
  await expect(
    s3.send(new CompleteMultipartUploadCommand({ ...completion, MpuObjectSize: 1 })),
  ).rejects.toMatchObject({ name: 'InvalidRequest' });
  expect((await contents()).objects).toEqual([]);
});

test('a completion with a part that is not there is refused', async () => {
  const Parts = [{ PartNumber: 1, ETag: '"none"' }];
  const completion = { ...(await create(Key)), MultipartUpload: { Parts } };
  await expect(s3.send(new CompleteMultipartUploadCommand(completion))).rejects.toMatchObject({
    name: 'InvalidPart',
  });
});

test('an object is found with its size and CRC32, copied, and deleted', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: STAGED, Body: WHOLE }));
  await s3.send(new CopyObjectCommand({ Bucket, Key, CopySource }));
  expect(await s3.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
    ContentLength: WHOLE.length,
    ChecksumCRC32: checksum(WHOLE),
  });
  await s3.send(new DeleteObjectCommand({ Bucket, Key: STAGED }));
  expect((await contents()).objects.map(({ key }) => key)).toEqual([Key]);
  await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
  await expect(s3.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' });
});

test('an upload that is aborted leaves nothing open', async () => {
  const upload = await create(Key);
  expect((await contents()).openUploads).toBe(1);
  await s3.send(new AbortMultipartUploadCommand(upload));
  expect((await contents()).openUploads).toBe(0);
  await expect(
    s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: WHOLE })),
  ).rejects.toMatchObject({ name: 'NoSuchUpload' });
});

test('a job is told with what it says of its object', async () => {
  const sqs = new SQSClient({
    endpoint,
    region: 'us-east-1',
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  });
  const data = { key: Key, size: 5, checksum: { value: 'NhCmhg==' } };
  const QueueUrl = 'http://sqs.invalid/000000000000/jobs';
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ data }) }));
  sqs.destroy();
  expect((await contents()).jobs).toEqual([{ key: Key, size: 5, crc32: 'NhCmhg==' }]);
});
