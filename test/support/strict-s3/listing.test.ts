import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StrictS3, startStrictS3 } from './server.ts';

let s3: StrictS3;
let client: S3Client;

const FOLDERS = 50;
const FLAT = 1500;

beforeAll(async () => {
  s3 = await startStrictS3({ buckets: ['many', 'awkward', 'uploads', 'empty', 'changing'] });
  client = new S3Client(s3.clientConfig);
  // 2,500 keys: 1,500 at the top, 20 in each of 50 folders.
  for (let index = 0; index < FLAT; index += 1)
    s3.seed('many', `file-${String(index).padStart(4, '0')}`, 'x');
  for (let index = 0; index < 1000; index += 1) {
    s3.seed('many', `folder-${String(index % FOLDERS).padStart(2, '0')}/${index}`, 'x');
  }
});

afterAll(async () => {
  client.destroy();
  await s3.close();
});

const list = (Bucket: string, more: Record<string, string | number> = {}) =>
  client.send(new ListObjectsV2Command({ Bucket, ...more }));

async function allPages(Bucket: string, more: Record<string, string | number>) {
  const keys: (string | undefined)[] = [];
  const prefixes: (string | undefined)[] = [];
  const counts: (number | undefined)[] = [];
  let token: string | undefined;
  do {
    const page = await list(Bucket, token === undefined ? more : { ...more, ContinuationToken: token });
    keys.push(...(page.Contents ?? []).map(({ Key }) => Key));
    prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
    counts.push(page.KeyCount);
    expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return { keys, prefixes, counts };
}

test('a listing has what came since the one before, and not what went', async () => {
  const s3Keys = async () => (await list('changing')).Contents?.map(({ Key }) => Key) ?? [];
  for (const key of ['b', 'd']) s3.seed('changing', key, 'x');
  expect(await s3Keys()).toEqual(['b', 'd']);
  for (const key of ['a', 'c', 'd']) s3.seed('changing', key, 'y');
  expect(await s3Keys()).toEqual(['a', 'b', 'c', 'd']);
  await client.send(new DeleteObjectCommand({ Bucket: 'changing', Key: 'b' }));
  expect(await s3Keys()).toEqual(['a', 'c', 'd']);
});

describe('ListObjectsV2 of 2,500 keys', () => {
  test('comes in pages of 1,000 that together hold each key once, in order', async () => {
    const { keys, counts } = await allPages('many', {});
    expect(counts).toEqual([1000, 1000, 500]);
    expect(keys).toEqual([...s3.objects('many').keys()].sort());
  });

  test('with a delimiter folds each folder into one entry that counts as one', async () => {
    const { keys, prefixes, counts } = await allPages('many', { Delimiter: '/' });
    expect(counts).toEqual([1000, FLAT + FOLDERS - 1000]);
    expect(keys).toHaveLength(FLAT);
    expect(prefixes).toEqual(
      Array.from({ length: FOLDERS }, (_, i) => `folder-${String(i).padStart(2, '0')}/`),
    );
  });

  test.each([1, 7, 49, 50])('with a delimiter and pages of %i tells no folder twice', async (MaxKeys) => {
    const { prefixes } = await allPages('many', { Delimiter: '/', Prefix: 'folder-', MaxKeys });
    expect(prefixes).toHaveLength(FOLDERS);
    expect(new Set(prefixes).size).toBe(FOLDERS);
  });

  test('below a folder lists its own keys only', async () => {
    const { keys, prefixes } = await allPages('many', { Delimiter: '/', Prefix: 'folder-07/' });
    expect(keys).toHaveLength(20);
    expect(prefixes).toEqual([]);
  });

  test('starts after a key, wherever that is', async () => {
    const page = await list('many', { StartAfter: 'file-1497x', MaxKeys: 2 });
    expect(page.Contents?.map(({ Key }) => Key)).toEqual(['file-1498', 'file-1499']);
    expect(page).toMatchObject({ IsTruncated: true, StartAfter: 'file-1497x', KeyCount: 2, MaxKeys: 2 });
  });
});

test('with a delimiter a key that ends in it is listed as a folder, not as a key', async () => {
  s3.seed('awkward', 'marked/', '');
  const above = await list('awkward', { Delimiter: '/', Prefix: 'marked' });
  expect(above).toMatchObject({ KeyCount: 1, CommonPrefixes: [{ Prefix: 'marked/' }] });
  expect(above.Contents).toBeUndefined();
  const inside = await list('awkward', { Delimiter: '/', Prefix: 'marked/' });
  expect(inside.Contents?.map(({ Key }) => Key)).toEqual(['marked/']);
});

test('an empty listing has no keys, no prefixes and is not truncated', async () => {
  const page = await list('empty', { Delimiter: '/' });
  expect(page).toMatchObject({ KeyCount: 0, IsTruncated: false });
  expect(page.Contents).toBeUndefined();
  expect(page.CommonPrefixes).toBeUndefined();
});

test('max-keys of 0 yields nothing, and does not claim that there is more', async () => {
  expect(await list('many', { MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
});

test('a wrong continuation token, encoding type or max-keys is InvalidArgument', async () => {
  for (const more of [{ ContinuationToken: 'made up' }, { EncodingType: 'base64' }, { MaxKeys: -1 }]) {
    await expect(list('many', more)).rejects.toMatchObject({ name: 'InvalidArgument' });
  }
});

test('keys are in the order of their UTF-8 bytes, not of UTF-16', async () => {
  for (const key of ['order/\u{1f389}', 'order/\uff5e', 'order/é', 'order/z', 'order/Z'])
    s3.seed('awkward', key, 'x');
  const page = await list('awkward', { Prefix: 'order/' });
  expect(page.Contents?.map(({ Key }) => Key)).toEqual([
    'order/Z',
    'order/z',
    'order/é',
    'order/\uff5e',
    'order/\u{1f389}',
  ]);
});

test('names survive the XML, and encoding-type=url writes them as S3 does', async () => {
  const key = 'odd/a b+c&<d>"~*(1)!\r%41ü';
  s3.seed('awkward', key, 'x');
  const plain = await list('awkward', { Prefix: 'odd/' });
  expect(plain.Contents?.[0]?.Key).toBe(key);
  const encoded = await list('awkward', { Prefix: 'odd/', EncodingType: 'url', StartAfter: 'odd/ +' });
  expect(encoded).toMatchObject({ EncodingType: 'url', Prefix: 'odd/', StartAfter: 'odd/+%2B' });
  const name = encoded.Contents?.[0]?.Key ?? '';
  expect(name).toBe('odd/a+b%2Bc%26%3Cd%3E%22%7E*%281%29%21%0D%2541%C3%BC');
  expect(decodeURIComponent(name.replaceAll('+', ' '))).toBe(key);
});

const uploadsPage = (marker: { KeyMarker: string; UploadIdMarker: string } | undefined) =>
  client.send(new ListMultipartUploadsCommand({ Bucket: 'uploads', MaxUploads: 1, ...marker }));

test('open multipart uploads are listed by key and page by page, and never as objects', async () => {
  for (const Key of ['b', 'a', 'b', 'c/d']) {
    await client.send(new CreateMultipartUploadCommand({ Bucket: 'uploads', Key }));
  }
  const seen: string[] = [];
  let isTruncated = true;
  let marker: { KeyMarker: string; UploadIdMarker: string } | undefined;
  while (isTruncated) {
    const page = await uploadsPage(marker);
    seen.push(...(page.Uploads ?? []).map(({ Key, UploadId }) => `${Key} ${UploadId}`));
    isTruncated = page.IsTruncated ?? false;
    marker = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
  }
  expect(seen.map((line) => line.split(' ')[0])).toEqual(['a', 'b', 'b', 'c/d']);
  expect(new Set(seen).size).toBe(4);
  const below = await client.send(new ListMultipartUploadsCommand({ Bucket: 'uploads', Prefix: 'c/' }));
  expect(below.Uploads?.map(({ Key }) => Key)).toEqual(['c/d']);
  expect((await list('uploads')).KeyCount).toBe(0);
});
