import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { combineCrc32, compositeCrc32, encodeCrc32 } from './checksums.ts';
import { type StrictS3, startStrictS3 } from './server.ts';

const Bucket = 'bucket';
const Key = 'folder/large object.bin';
const MIN = 5 * 1024 * 1024;

const first = randomBytes(MIN);
const second = randomBytes(MIN + 1);
const last = Buffer.from('the last part may be small');
const whole = Buffer.concat([first, second, last]);

let s3: StrictS3;
let client: S3Client;

beforeAll(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
  client = new S3Client(s3.clientConfig);
});

afterAll(async () => {
  client.destroy();
  await s3.close();
});

afterEach(async () => {
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  for (const { uploadId, key } of s3.openUploads(Bucket)) {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId }));
  }
});

type CreateOptions = Partial<ConstructorParameters<typeof CreateMultipartUploadCommand>[0]>;
type CompleteOptions = Partial<ConstructorParameters<typeof CompleteMultipartUploadCommand>[0]>;

interface ListedPart {
  PartNumber: number;
  ETag?: string | undefined;
  ChecksumCRC32?: string | undefined;
}

const FULL: CreateOptions = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' };
const COMPOSITE: CreateOptions = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' };

async function create(options: CreateOptions = {}): Promise<string> {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...options }));
  return UploadId;
}

async function upload(UploadId: string, PartNumber: number, Body: Buffer, more = {}): Promise<ListedPart> {
  const command = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more });
  const { ETag, ChecksumCRC32 } = await client.send(command);
  return { PartNumber, ETag, ChecksumCRC32 };
}

const complete = (UploadId: string, Parts: ListedPart[], more: CompleteOptions = {}) =>
  client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
  );

async function uploadThree(UploadId: string): Promise<[ListedPart, ListedPart, ListedPart]> {
  // Out of order, and the second one twice.
  const three = await upload(UploadId, 3, last);
  await upload(UploadId, 2, Buffer.from('to be overwritten'));
  const two = await upload(UploadId, 2, second);
  return [await upload(UploadId, 1, first), two, three];
}

const failure = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } });

describe('a multipart upload', () => {
  test('of parts in any order, one of them sent twice, becomes one object with its metadata', async () => {
    const id = await create({ ...FULL, ContentType: 'text/csv', Metadata: { author: 'me' } });
    expect(s3.openUploads(Bucket)).toMatchObject([{ uploadId: id, key: Key, checksumType: 'FULL_OBJECT' }]);
    const parts = await uploadThree(id);
    expect(s3.objects(Bucket).has(Key)).toBe(false);
    const value = encodeCrc32(crc32(whole));
    const done = await complete(id, parts, {
      ...{ ChecksumCRC32: value, ChecksumType: 'FULL_OBJECT', MpuObjectSize: whole.length },
    });
    const md5 = (data: Buffer) => createHash('md5').update(data).digest();
    const ETag = `"${md5(Buffer.concat([first, second, last].map(md5))).toString('hex')}-3"`;
    expect(done).toMatchObject({ Bucket, Key, ETag, ChecksumCRC32: value, ChecksumType: 'FULL_OBJECT' });
    expect(s3.openUploads(Bucket)).toEqual([]);

    const object = s3.objects(Bucket).get(Key);
    expect(object?.body.equals(whole)).toBe(true);
    const headed = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    const attributes = { ContentType: 'text/csv', Metadata: { author: 'me' }, ContentLength: whole.length };
    expect(headed).toMatchObject({ ETag, ChecksumCRC32: value, ChecksumType: 'FULL_OBJECT', ...attributes });
  });

  test('of the COMPOSITE type carries the checksum of checksums', async () => {
    const id = await create(COMPOSITE);
    const value = compositeCrc32([crc32(first), crc32(second), crc32(last)]);
    const done = await complete(id, await uploadThree(id), { ChecksumCRC32: value });
    expect(done).toMatchObject({ ChecksumCRC32: value, ChecksumType: 'COMPOSITE' });
    expect(value).toMatch(/^[A-Za-z0-9+/]{6}==-3$/);
  });

  test('without an algorithm has no checksum, though its parts may have', async () => {
    const id = await create();
    const done = await complete(id, await uploadThree(id));
    expect(done.ChecksumCRC32).toBeUndefined();
    expect(s3.objects(Bucket).get(Key)?.crc32).toBe(crc32(whole));
  });

  test('may list fewer parts than were sent', async () => {
    const id = await create();
    const [, , three] = await uploadThree(id);
    await complete(id, [three]);
    expect(s3.objects(Bucket).get(Key)?.body.equals(last)).toBe(true);
  });

  test('that is aborted is gone, and so is everything below its id', async () => {
    const before = s3.objects(Bucket).get(Key);
    const id = await create();
    const part = await upload(id, 1, last);
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
    expect(s3.openUploads(Bucket)).toEqual([]);
    const gone = failure('NoSuchUpload', 404);
    await expect(upload(id, 2, last)).rejects.toMatchObject(gone);
    await expect(complete(id, [part])).rejects.toMatchObject(gone);
    await expect(client.send(new ListPartsCommand({ Bucket, Key, UploadId: id }))).rejects.toMatchObject(
      gone,
    );
    const again = client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
    await expect(again).rejects.toMatchObject(gone);
    expect(s3.objects(Bucket).get(Key)).toBe(before);
  });

  test('belongs to its key alone', async () => {
    const UploadId = await create();
    const command = new UploadPartCommand({ Bucket, Key: 'other', UploadId, PartNumber: 1, Body: last });
    await expect(client.send(command)).rejects.toMatchObject(failure('NoSuchUpload', 404));
  });

  test('lists its parts in order and page by page', async () => {
    const UploadId = await create(FULL);
    await uploadThree(UploadId);
    const page = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }));
    expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2', ChecksumType: 'FULL_OBJECT' });
    expect(page.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, MIN],
      [2, MIN + 1],
    ]);
    const rest = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker: '2' }));
    expect(rest).toMatchObject({
      IsTruncated: false,
      Parts: [{ PartNumber: 3, ChecksumCRC32: encodeCrc32(crc32(last)) }],
    });
  });
});

describe('UploadPart refuses', () => {
  test.each([0, 10_001])('the part number %i', async (partNumber) => {
    const id = await create();
    await expect(upload(id, partNumber, last)).rejects.toMatchObject(failure('InvalidArgument', 400));
    await upload(id, 10_000, last);
  });

  test('a body that is not what its checksum says, and keeps the part it had', async () => {
    const id = await create(FULL);
    await upload(id, 1, first);
    const wrong = upload(id, 1, last, { ChecksumCRC32: encodeCrc32(crc32(first)) });
    await expect(wrong).rejects.toMatchObject(failure('BadDigest', 400));
    const ContentMD5 = createHash('md5').update(first).digest('base64');
    await expect(upload(id, 1, last, { ContentMD5 })).rejects.toMatchObject(failure('BadDigest', 400));
    expect(s3.openUploads(Bucket)[0]?.parts.get(1)?.size).toBe(MIN);
  });

  test('a checksum of another algorithm than that of the upload', async () => {
    for (const options of [FULL, {}]) {
      const id = await create(options);
      const other = upload(id, 1, last, { ChecksumAlgorithm: 'SHA256' });
      await expect(other).rejects.toMatchObject(failure('InvalidRequest', 400));
    }
  });

  test('no checksum in a COMPOSITE upload, though a FULL_OBJECT one takes it', async () => {
    const bare = new S3Client({ ...s3.clientConfig, requestChecksumCalculation: 'WHEN_REQUIRED' });
    const send = (UploadId: string) =>
      bare.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: last }));
    await expect(send(await create(COMPOSITE))).rejects.toMatchObject(failure('InvalidRequest', 400));
    expect((await send(await create(FULL))).ETag).toBeDefined();
    bare.destroy();
  });
});

describe('UploadPartCopy', () => {
  const source = 'source +&ü';
  const CopySource = `${Bucket}/${encodeURIComponent(source)}`;
  const copy = (UploadId: string, PartNumber: number, more = {}) =>
    client.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, CopySource, ...more }));

  test('takes a range of an object as a part, beside parts that were sent', async () => {
    const { etag } = s3.seed(Bucket, source, whole);
    const id = await create(FULL);
    const range = { CopySourceRange: `bytes=0-${MIN - 1}`, CopySourceIfMatch: etag };
    const { CopyPartResult: copied } = await copy(id, 1, range);
    expect(copied?.ChecksumCRC32).toBe(encodeCrc32(crc32(first)));
    const sent = await upload(id, 2, last);
    await complete(id, [{ PartNumber: 1, ETag: copied?.ETag }, sent], {
      ...{ ChecksumType: 'FULL_OBJECT', ChecksumCRC32: encodeCrc32(crc32(Buffer.concat([first, last]))) },
    });
    expect(
      s3
        .objects(Bucket)
        .get(Key)
        ?.body.equals(Buffer.concat([first, last])),
    ).toBe(true);
  });

  test('without a range takes the whole object', async () => {
    s3.seed(Bucket, source, last);
    const id = await create();
    const { CopyPartResult } = await copy(id, 1);
    await complete(id, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    expect(s3.objects(Bucket).get(Key)?.body.equals(last)).toBe(true);
  });

  test.each(['bytes=0-', 'bytes=-5', 'bytes=5-2', 'bytes=0-26'])(
    'refuses the range %s of 26 bytes',
    async (range) => {
      s3.seed(Bucket, source, last);
      const refused = copy(await create(), 1, { CopySourceRange: range });
      await expect(refused).rejects.toMatchObject(failure('InvalidArgument', 400));
    },
  );

  test('refuses a source that changed, one that is missing, and more than 5 GiB', async () => {
    s3.seed(Bucket, source, last);
    const id = await create();
    const changed = copy(id, 1, { CopySourceIfMatch: '"other"' });
    await expect(changed).rejects.toMatchObject(failure('PreconditionFailed', 412));
    const missing = copy(id, 1, { CopySource: `${Bucket}/missing` });
    await expect(missing).rejects.toMatchObject(failure('NoSuchKey', 404));
    s3.seed(Bucket, source, { size: 5 * 1024 ** 3 + 1 });
    await expect(copy(id, 1)).rejects.toMatchObject(failure('InvalidRequest', 400));
    expect(s3.openUploads(Bucket)[0]?.parts.size).toBe(0);
  });
});

describe('CompleteMultipartUpload refuses, and leaves the upload open:', () => {
  const refuse = async (
    options: CreateOptions,
    code: string,
    change: (parts: ListedPart[]) => ListedPart[],
  ) => {
    s3.clearRequests();
    const before = s3.objects(Bucket).get(Key);
    const id = await create(options);
    const parts = await uploadThree(id);
    await expect(complete(id, change(parts))).rejects.toMatchObject({ name: code });
    expect(s3.objects(Bucket).get(Key)).toBe(before);
    expect(s3.openUploads(Bucket).map(({ uploadId }) => uploadId)).toEqual([id]);
  };

  test('a part with another ETag', () =>
    refuse({}, 'InvalidPart', ([, two]) => [{ PartNumber: 1, ETag: two?.ETag }]));

  test('a part that was never sent', () =>
    refuse({}, 'InvalidPart', ([one]) => [{ PartNumber: 4, ETag: one?.ETag }]));

  test('a part with another checksum', () =>
    refuse(COMPOSITE, 'InvalidPart', (parts) =>
      parts.map((part) => ({ ...part, ChecksumCRC32: 'AAAAAA==' })),
    ));

  test('parts in descending order', () => refuse({}, 'InvalidPartOrder', (parts) => parts.toReversed()));

  test('a part twice', () => refuse({}, 'InvalidPartOrder', (parts) => parts.slice(0, 1).concat(parts)));

  test('no parts at all', () => refuse({}, 'MalformedXML', () => []));

  test('COMPOSITE parts without their checksums', () =>
    refuse(COMPOSITE, 'InvalidRequest', (parts) =>
      parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })),
    ));

  test('a part under 5 MiB that is not the last', async () => {
    const id = await create();
    const small = await upload(id, 1, first.subarray(1));
    const end = await upload(id, 2, last);
    await expect(complete(id, [small, end])).rejects.toMatchObject(failure('EntityTooSmall', 400));
    const enough = await upload(id, 1, first);
    await complete(id, [enough, end]);
  });
});

describe('the claims about the whole object', () => {
  test.each<[string, CompleteOptions, string]>([
    ['a wrong checksum', { ChecksumType: 'FULL_OBJECT', ChecksumCRC32: 'AAAAAA==' }, 'BadDigest'],
    ['a checksum without its type', { ChecksumCRC32: encodeCrc32(crc32(last)) }, 'InvalidRequest'],
    ['another type than that of the upload', { ChecksumType: 'COMPOSITE' }, 'InvalidRequest'],
    ['a wrong size', { MpuObjectSize: last.length + 1 }, 'InvalidRequest'],
  ])('with %s are refused', async (title, claims, code) => {
    const claimed = `claimed with ${title}`;
    const command = new CreateMultipartUploadCommand({ Bucket, Key: claimed, ...FULL });
    const { UploadId = '' } = await client.send(command);
    const part = { PartNumber: 1, UploadId, Bucket, Key: claimed };
    const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: last }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    const common = { Bucket, Key: claimed, UploadId, MultipartUpload };
    const wrong = client.send(new CompleteMultipartUploadCommand({ ...common, ...claims }));
    await expect(wrong).rejects.toMatchObject(failure(code, 400));
    expect(s3.objects(Bucket).has(claimed)).toBe(false);
    await client.send(new CompleteMultipartUploadCommand(common));
    expect(s3.objects(Bucket).has(claimed)).toBe(true);
  });

  test('If-None-Match: * refuses an object that came in between, and takes a free name', async () => {
    s3.seed(Bucket, Key, 'came in between');
    const id = await create();
    const part = await upload(id, 1, last);
    const taken = complete(id, [part], { IfNoneMatch: '*' });
    await expect(taken).rejects.toMatchObject(failure('PreconditionFailed', 412));
    expect(s3.objects(Bucket).get(Key)?.body.toString()).toBe('came in between');
    const stale = complete(id, [part], { IfMatch: '"other"' });
    await expect(stale).rejects.toMatchObject(failure('PreconditionFailed', 412));
    const fresh = await complete(id, [part], { IfMatch: s3.objects(Bucket).get(Key)?.etag });
    expect(s3.objects(Bucket).get(Key)?.etag).toBe(fresh.ETag);
  });

  test('a checksum type needs an algorithm', async () => {
    const refused = create({ ChecksumType: 'FULL_OBJECT' });
    await expect(refused).rejects.toMatchObject(failure('InvalidRequest', 400));
  });
});

describe('with bodies discarded', () => {
  test('sizes, ETags and checksums are those of the bytes, and reading is refused', async () => {
    const lean = await startStrictS3({ buckets: [Bucket], discard: true });
    const leanClient = new S3Client(lean.clientConfig);
    const { UploadId } = await leanClient.send(new CreateMultipartUploadCommand({ Bucket, Key, ...FULL }));
    const Parts: ListedPart[] = [];
    for (const [index, Body] of [first, second, last].entries()) {
      const command = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: index + 1, Body });
      Parts.push({ PartNumber: index + 1, ETag: (await leanClient.send(command)).ETag });
    }
    expect(lean.openUploads(Bucket)[0]?.parts.get(1)?.content).toBeUndefined();
    const claims = { ChecksumCRC32: encodeCrc32(crc32(whole)), ChecksumType: 'FULL_OBJECT' } as const;
    const common = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
    const wrong = leanClient.send(
      new CompleteMultipartUploadCommand({ ...common, ...claims, ChecksumCRC32: encodeCrc32(crc32(first)) }),
    );
    await expect(wrong).rejects.toMatchObject({ name: 'BadDigest' });
    await leanClient.send(new CompleteMultipartUploadCommand({ ...common, ...claims }));
    const object = lean.objects(Bucket).get(Key);
    expect(object).toMatchObject({ size: whole.length, crc32: crc32(whole), partCount: 3 });
    expect(() => object?.body).toThrow(/discarded/);
    const reading = leanClient.send(new GetObjectCommand({ Bucket, Key }));
    await expect(reading).rejects.toMatchObject(failure('NotImplemented', 501));
    leanClient.destroy();
    await lean.close();
  });
});

test('CRCs are combined as if the data were one, for any split', () => {
  const data = randomBytes(100_003);
  for (const at of [0, 1, 7, 4096, 99_999, data.length]) {
    const [a, b] = [data.subarray(0, at), data.subarray(at)];
    expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(data));
  }
});
