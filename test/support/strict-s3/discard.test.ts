import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { combineCrc32, crc32OfZeros, encodeCrc32 } from './checksums.ts';
import { type StrictS3, startStrictS3 } from './server.ts';

const Bucket = 'bucket';
const Key = 'target';
const GIB = 1024 ** 3;
const FULL = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;

let s3: StrictS3;
let client: S3Client;

beforeAll(async () => {
  s3 = await startStrictS3({ buckets: [Bucket], discard: true });
  client = new S3Client(s3.clientConfig);
});
afterAll(async () => {
  client.destroy();
  await s3.close();
});

/** Copies these ranges of the source into one object, a part each, and sends one more part. */
async function assemble(source: string, ranges: readonly string[], last: Buffer, claims: object = {}) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...FULL }));
  const common = { Bucket, Key, UploadId };
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  const checksums: (string | undefined)[] = [];
  for (const CopySourceRange of ranges) {
    const copy = { PartNumber: Parts.length + 1, CopySource: `${Bucket}/${source}`, CopySourceRange };
    const { CopyPartResult } = await client.send(new UploadPartCopyCommand({ ...common, ...copy }));
    checksums.push(CopyPartResult?.ChecksumCRC32);
    Parts.push({ PartNumber: copy.PartNumber, ETag: CopyPartResult?.ETag });
  }
  const PartNumber = Parts.length + 1;
  const { ETag } = await client.send(new UploadPartCommand({ ...common, PartNumber, Body: last }));
  Parts.push({ PartNumber, ETag });
  const command = { ...common, MultipartUpload: { Parts }, ...claims };
  const done = await client.send(new CompleteMultipartUploadCommand(command));
  return { checksums, done, etags: Parts.map((part) => part.ETag) };
}

describe('an object of zeros, large in name only', () => {
  const size = 300 * GIB;
  const ranges = Array.from(
    { length: 60 },
    (_, index) => `bytes=${index * 5 * GIB}-${(index + 1) * 5 * GIB - 1}`,
  );

  test('has the checksum of its zeros', () => {
    for (const length of [0, 1, 2, 3, 1000, 65_537]) {
      expect(crc32OfZeros(length)).toBe(crc32(Buffer.alloc(length)));
    }
    expect(s3.seed(Bucket, 'zeros', { size }).checksum?.value).toBe(encodeCrc32(crc32OfZeros(size)));
  });

  test('is copied part by part, and the checksum of the whole is verified', async () => {
    s3.seed(Bucket, 'zeros', { size });
    const last = Buffer.from('appended');
    const claim = (ChecksumCRC32: string) => ({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
    await expect(assemble('zeros', ranges, last, claim('AAAAAA=='))).rejects.toMatchObject({
      name: 'BadDigest',
    });
    const { checksums, done } = await assemble('zeros', ranges, last);
    expect(new Set(checksums)).toEqual(new Set([encodeCrc32(crc32OfZeros(5 * GIB))]));
    expect(s3.objects(Bucket).get(Key)?.size).toBe(size + last.length);
    const expected = combineCrc32(crc32OfZeros(size), crc32(last), last.length);
    expect(done.ChecksumCRC32).toBe(encodeCrc32(expected));
    await assemble('zeros', ranges, last, claim(encodeCrc32(expected)));
  });

  test('is read in pieces, but not as a whole', async () => {
    s3.seed(Bucket, 'zeros', { size });
    const get = (Range?: string) => client.send(new GetObjectCommand({ Bucket, Key: 'zeros', Range }));
    const { Body, ContentRange } = await get(`bytes=${size - 3}-`);
    expect(await Body?.transformToByteArray()).toEqual(new Uint8Array(3));
    expect(ContentRange).toBe(`bytes ${size - 3}-${size - 1}/${size}`);
    await expect(get()).rejects.toMatchObject({ name: 'NotImplemented' });
  });
});

describe('an object whose body was discarded', () => {
  const body = randomBytes(11 * 1024 * 1024);
  const put = () => client.send(new PutObjectCommand({ Bucket, Key: 'discarded', Body: body }));

  test('is copied whole with its checksum', async () => {
    await put();
    const copy = new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/discarded` });
    const { CopyObjectResult } = await client.send(copy);
    expect(CopyObjectResult?.ChecksumCRC32).toBe(encodeCrc32(crc32(body)));
    const { checksums, done } = await assemble('discarded', [`bytes=0-${body.length - 1}`], body);
    expect(checksums).toEqual([encodeCrc32(crc32(body))]);
    expect(done.ChecksumCRC32).toBe(encodeCrc32(crc32(Buffer.concat([body, body]))));
  });

  test('gives ranges without a checksum, and what is made of them has the one that is claimed, or none', async () => {
    await put();
    const half = body.length / 2;
    const ranges = [`bytes=0-${half - 1}`, `bytes=${half}-${body.length - 1}`];
    const unclaimed = await assemble('discarded', ranges, Buffer.from('.'));
    expect(unclaimed.checksums).toEqual([undefined, undefined]);
    expect(new Set(unclaimed.etags).size).toBe(3);
    expect(unclaimed.done.ChecksumCRC32).toBeUndefined();
    expect(s3.objects(Bucket).get(Key)).toMatchObject({ size: body.length + 1, crc32: undefined });
    const claim = { ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT' };
    const claimed = await assemble('discarded', ranges, Buffer.from('.'), claim);
    expect(claimed.done.ChecksumCRC32).toBe('AAAAAA==');
    await expect(assemble('discarded', ranges, Buffer.from('.'), { MpuObjectSize: 5 })).rejects.toThrow(
      /size/,
    );
  });
});
