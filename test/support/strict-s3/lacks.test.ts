import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { type StrictS3, startStrictS3 } from './server.ts';
import type { Feature } from './store.ts';

const Bucket = 'bucket';
const Key = 'key';
const WRONG = 'AAAAAA==';

async function withStore(lacks: readonly Feature[], run: (client: S3Client, s3: StrictS3) => Promise<void>) {
  const s3 = await startStrictS3({ buckets: [Bucket], lacks });
  const client = new S3Client(s3.clientConfig);
  try {
    await run(client, s3);
  } finally {
    client.destroy();
    await s3.close();
  }
}

/** One multipart upload of a part sent and a part copied; every answer on the way. */
async function upload(client: S3Client, claims: object = {}) {
  const options = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
  const created = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...options }));
  const common = { Bucket, Key, UploadId: created.UploadId };
  const Body = Buffer.alloc(5 * 1024 * 1024);
  const sent = await client.send(new UploadPartCommand({ ...common, PartNumber: 1, Body, ...claims }));
  const copy = { PartNumber: 2, CopySource: `${Bucket}/source` };
  const copied = await client.send(new UploadPartCopyCommand({ ...common, ...copy }));
  const listed = await client.send(new ListPartsCommand(common));
  const ETag = copied.CopyPartResult?.ETag;
  const MultipartUpload = {
    Parts: [
      { PartNumber: 1, ETag: sent.ETag },
      { PartNumber: 2, ETag },
    ],
  };
  const complete = { ...common, MultipartUpload, ...claims };
  const completed = await client.send(new CompleteMultipartUploadCommand(complete));
  const headed = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
  return { created, sent, copied: copied.CopyPartResult, listed, completed, headed };
}

test('a store without checksums takes wrong ones and answers with none', () =>
  withStore(['checksums'], async (client, s3) => {
    expect(s3.seed(Bucket, 'source', 'x').checksum).toBeUndefined();
    const answers = await upload(client, { ChecksumCRC32: WRONG, ChecksumType: 'FULL_OBJECT' });
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key: 'put', Body: 'x', ChecksumCRC32: WRONG }),
    );
    const text = JSON.stringify([answers, put]);
    expect(text).not.toContain('Checksum');
    expect(s3.requests.find(({ operation }) => operation === 'UploadPart')?.headers).toMatchObject({
      'x-amz-checksum-crc32': WRONG,
    });
    const Delete = { Objects: [{ Key }] };
    expect((await client.send(new DeleteObjectsCommand({ Bucket, Delete }))).Deleted).toEqual([{ Key }]);
  }));

test('a store with all features answers each of these with a checksum', () =>
  withStore([], async (client, s3) => {
    s3.seed(Bucket, 'source', 'x');
    const { created, sent, copied, listed, completed, headed } = await upload(client);
    for (const answer of [created, listed]) expect(answer).toMatchObject({ ChecksumAlgorithm: 'CRC32' });
    for (const answer of [sent, copied, completed, headed, ...(listed.Parts ?? [])]) {
      expect(answer?.ChecksumCRC32).toMatch(/^.{6}==$/);
    }
  }));

test('a store without conditional writes replaces what it should keep, but still reads by condition', () =>
  withStore(['conditional-writes'], async (client, s3) => {
    s3.seed(Bucket, Key, 'kept');
    s3.seed(Bucket, 'source', 'x');
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'replaced', IfNoneMatch: '*' }));
    expect(s3.objects(Bucket).get(Key)?.body.toString()).toBe('replaced');
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'again', IfMatch: '"other"' }));
    await upload(client, { IfNoneMatch: '*' });
    expect(s3.objects(Bucket).get(Key)?.partCount).toBe(2);
    const failed = { name: 'PreconditionFailed' };
    const reading = client.send(new GetObjectCommand({ Bucket, Key, IfMatch: '"other"' }));
    await expect(reading).rejects.toMatchObject(failed);
    const copy = { Bucket, Key, CopySource: `${Bucket}/source`, CopySourceIfMatch: '"other"' };
    await expect(client.send(new CopyObjectCommand(copy))).rejects.toMatchObject(failed);
  }));

test('a store without copy checksums copies without telling them, though it knows them', () =>
  withStore(['copy-checksums'], async (client, s3) => {
    s3.seed(Bucket, 'source', 'x');
    const { copied, listed, completed, headed } = await upload(client);
    expect(copied?.ETag).toBeDefined();
    expect(copied?.ChecksumCRC32).toBeUndefined();
    expect(listed.Parts?.[1]?.ChecksumCRC32).toBeDefined();
    expect(headed.ChecksumCRC32).toBe(completed.ChecksumCRC32);
    const copy = new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/source` });
    expect((await client.send(copy)).CopyObjectResult?.ChecksumCRC32).toBeUndefined();
    expect(s3.objects(Bucket).get(Key)?.checksum).toBeDefined();
  }));

test('a store without checked part copies copies a part only into an upload without an algorithm', () =>
  withStore(['checked-part-copies'], async (client, s3) => {
    s3.seed(Bucket, 'source', 'x');
    await expect(upload(client)).rejects.toMatchObject({ name: 'InvalidArgument' });
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const copy = { Bucket, Key, UploadId, PartNumber: 1, CopySource: `${Bucket}/source` };
    expect((await client.send(new UploadPartCopyCommand(copy))).CopyPartResult?.ETag).toBeDefined();
  }));
