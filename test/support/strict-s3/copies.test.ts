import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCrc32 } from './checksums.ts';
import { type StrictS3, startStrictS3 } from './server.ts';

const Bucket = 'bucket';
const Key = 'target';
const FULL = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
const ATTRIBUTES = {
  ContentType: 'text/csv',
  ContentEncoding: 'gzip',
  CacheControl: 'no-store',
  ContentDisposition: 'attachment; filename="a.csv"',
  Metadata: { author: 'me' },
};
const TagSet = [
  { Key: 'team', Value: 'sales' },
  { Key: 'a b', Value: '1+1' },
];
const Tagging = 'team=sales&a%20b=1%2B1';

let s3: StrictS3;
let client: S3Client;

beforeAll(async () => {
  s3 = await startStrictS3({ buckets: [Bucket], minPartBytes: 10 });
  client = new S3Client(s3.clientConfig);
});
afterAll(async () => {
  client.destroy();
  await s3.close();
});

const sumOf = (bytes: Buffer) => encodeCrc32(crc32(bytes));
const head = () => client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
const tags = async () => (await client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;

async function create(more: object = FULL) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  const common = { Bucket, Key, UploadId };
  return {
    part: async (PartNumber: number, Body: Buffer) => {
      const { ETag } = await client.send(new UploadPartCommand({ ...common, PartNumber, Body }));
      return { PartNumber, ETag };
    },
    copy: async (PartNumber: number, source: string, CopySourceRange?: string) => {
      const command = { ...common, PartNumber, CopySource: `${Bucket}/${source}`, CopySourceRange };
      const { CopyPartResult } = await client.send(new UploadPartCopyCommand(command));
      return { PartNumber, ETag: CopyPartResult?.ETag, result: CopyPartResult };
    },
    complete: (parts: { PartNumber: number; ETag: string | undefined }[], claims: object = {}) => {
      const Parts = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
      const command = { ...common, MultipartUpload: { Parts }, ...claims };
      return client.send(new CompleteMultipartUploadCommand(command));
    },
  };
}

test('the least size of a part is what the test sets it to', async () => {
  const { part, complete } = await create();
  const end = await part(2, Buffer.from('.'));
  const small = await part(1, Buffer.alloc(9));
  await expect(complete([small, end])).rejects.toMatchObject({ name: 'EntityTooSmall' });
  await complete([await part(1, Buffer.alloc(10)), end]);
  expect(s3.objects(Bucket).get(Key)?.size).toBe(11);
});

test('a completion verifies the CRC32 over parts that were sent and parts that were copied', async () => {
  const source = randomBytes(100);
  s3.seed(Bucket, 'source', source);
  const sent = randomBytes(10);
  const whole = Buffer.concat([source.subarray(5, 30), sent, source]);
  const { part, copy, complete } = await create();
  const first = await copy(1, 'source', 'bytes=5-29');
  expect(first.result?.ChecksumCRC32).toBe(sumOf(source.subarray(5, 30)));
  expect(first.result?.LastModified?.getTime()).toBeCloseTo(Date.now(), -5);
  const parts = [first, await part(2, sent), await copy(3, 'source')];
  const claim = (ChecksumCRC32: string) => ({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
  await expect(complete(parts, claim(sumOf(source)))).rejects.toMatchObject({ name: 'BadDigest' });
  await complete(parts, claim(sumOf(whole)));
  expect(s3.objects(Bucket).get(Key)?.body.equals(whole)).toBe(true);
});

test('a part that is sent or copied again replaces the one of its number', async () => {
  s3.seed(Bucket, 'source', 'copied');
  const { part, copy, complete } = await create();
  const sent = await part(1, Buffer.from('sent'));
  const copied = await copy(1, 'source');
  await expect(complete([sent])).rejects.toMatchObject({ name: 'InvalidPart' });
  expect(copied.ETag).not.toBe(sent.ETag);
  const again = await part(1, Buffer.from('sent again'));
  await expect(complete([copied])).rejects.toMatchObject({ name: 'InvalidPart' });
  await complete([again]);
  expect(s3.objects(Bucket).get(Key)?.body.toString()).toBe('sent again');
});

test('a part copied into an upload without an algorithm has no checksum', async () => {
  s3.seed(Bucket, 'source', 'copied');
  const { copy } = await create({});
  const { result } = await copy(1, 'source');
  expect(result?.ETag).toBeDefined();
  expect(result?.ChecksumCRC32).toBeUndefined();
});

test('headers, metadata and tags come from PutObject and from CreateMultipartUpload alike', async () => {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...ATTRIBUTES, Tagging }));
  expect(await head()).toMatchObject({ ...ATTRIBUTES, TagCount: 2 });
  expect(await tags()).toEqual(TagSet);
  const { part, complete } = await create({ ...FULL, ...ATTRIBUTES, Tagging });
  await complete([await part(1, Buffer.from('y'))]);
  expect(await head()).toMatchObject({ ...ATTRIBUTES, ContentLength: 1, TagCount: 2 });
  expect(await tags()).toEqual(TagSet);
});

test('a copy keeps headers, metadata, tags and checksum, or replaces what it is told to', async () => {
  const source = { Bucket, Key: 'source', Body: 'content' };
  await client.send(new PutObjectCommand({ ...source, ...ATTRIBUTES, Tagging }));
  const copy = { Bucket, Key, CopySource: `${Bucket}/source` };
  const { CopyObjectResult } = await client.send(new CopyObjectCommand(copy));
  const checksum = { ChecksumCRC32: sumOf(Buffer.from('content')), ChecksumType: 'FULL_OBJECT' };
  expect(CopyObjectResult).toMatchObject(checksum);
  expect(await head()).toMatchObject({ ...ATTRIBUTES, ...checksum });
  expect(await tags()).toEqual(TagSet);

  const replaced = {
    MetadataDirective: 'REPLACE',
    Metadata: { by: 'you' },
    ContentType: 'text/plain',
  } as const;
  await client.send(new CopyObjectCommand({ ...copy, ...replaced }));
  const after = await head();
  expect(after).toMatchObject({ Metadata: { by: 'you' }, ContentType: 'text/plain', ...checksum });
  expect(after.CacheControl).toBeUndefined();
  expect(await tags()).toEqual(TagSet);
  await client.send(new CopyObjectCommand({ ...copy, TaggingDirective: 'REPLACE', Tagging: 'new=1' }));
  expect(await head()).toMatchObject({ Metadata: { author: 'me' } });
  expect(await tags()).toEqual([{ Key: 'new', Value: '1' }]);
});

test.each(['=nameless', 'a=1&a=2', Array.from({ length: 11 }, (_, index) => `t${index}=`).join('&')])(
  'the tags %s are refused',
  async (illegal) => {
    const refused = client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging: illegal }));
    await expect(refused).rejects.toMatchObject({ name: 'InvalidArgument' });
  },
);
