import { createHash, randomBytes } from 'node:crypto';
import { GetObjectTaggingCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import type { Fact } from '../fact.ts';
import { crc32Of, outcome, type Wire } from '../wire.ts';

export const ATTRIBUTES = {
  ContentType: 'text/csv',
  ContentEncoding: 'gzip',
  CacheControl: 'no-store',
  ContentDisposition: 'attachment; filename="a.csv"',
  Metadata: { author: 'me' },
};

const KEYS = [
  'with space/and+plus & 100%.txt',
  'ünïcode/日本語/🎉.txt',
  'quote\'"<angle>&amp;',
  '%2Falready%20encoded',
  'question?mark#hash;semi:colon=equals,comma',
  '~tilde!(paren)*star$[bracket]{brace}|pipe`tick^caret',
  '.hidden/..two/...three',
  'tab\tin it',
];

export async function tagsOf(wire: Wire, name: string) {
  const command = new GetObjectTaggingCommand({ Bucket: wire.Bucket, Key: wire.key(name) });
  return (await wire.client.send(command)).TagSet;
}

/** Stores word their refusal differently. */
export const refusesDamagedObject =
  (refusal: string) =>
  async (wire: Wire): Promise<void> => {
    const ChecksumCRC32 = crc32Of('other');
    expect(await outcome(wire.put('new', 'content', { ChecksumCRC32 }))).toBe(refusal);
    expect(await wire.names()).toEqual([]);
    await wire.put('old', 'kept');
    expect(await outcome(wire.put('old', 'content', { ChecksumCRC32 }))).toBe(refusal);
    expect(await wire.text('old')).toBe('kept');
  };

export const objectFacts: readonly Fact<Wire>[] = [
  {
    name: 'an object comes back byte for byte, its ETag the MD5 of its bytes, its CRC32 told on HEAD',
    run: async (wire) => {
      for (const size of [0, 1, 100_000]) {
        const bytes = randomBytes(size);
        const ETag = `"${createHash('md5').update(bytes).digest('hex')}"`;
        const put = await wire.put(`object-${size}`, bytes, { ChecksumCRC32: crc32Of(bytes) });
        expect(put).toMatchObject({ ETag, ChecksumCRC32: crc32Of(bytes) });
        expect((await wire.get(`object-${size}`)).equals(bytes)).toBe(true);
        const told = {
          ETag,
          ContentLength: size,
          ChecksumCRC32: crc32Of(bytes),
          ChecksumType: 'FULL_OBJECT',
        };
        expect(await wire.head(`object-${size}`)).toMatchObject(told);
      }
    },
  },
  {
    name: 'PutObject refuses a body whose CRC32 is another, and keeps what was there',
    run: refusesDamagedObject('400 BadDigest'),
  },
  {
    name: 'a range is answered with its bytes, cut at the end, and one past the end with 416',
    run: async (wire) => {
      await wire.put('digits', '0123456789');
      expect(await wire.text('digits', { Range: 'bytes=2-4' })).toBe('234');
      expect(await wire.text('digits', { Range: 'bytes=8-99' })).toBe('89');
      expect(await outcome(wire.get('digits', { Range: 'bytes=10-12' }))).toBe('416 InvalidRange');
    },
  },
  {
    name: 'a range of an empty object is 416',
    run: async (wire) => {
      await wire.put('empty', '');
      expect(await outcome(wire.get('empty', { Range: 'bytes=0-9' }))).toBe('416 InvalidRange');
    },
  },
  {
    name: 'a missing object is NoSuchKey to GET and NotFound to HEAD, and its deletion is no error',
    run: async (wire) => {
      expect(await outcome(wire.get('missing'))).toBe('404 NoSuchKey');
      expect(await outcome(wire.head('missing'))).toBe('404 NotFound');
      expect(await outcome(wire.delete('missing'))).toBe('accepted');
    },
  },
  {
    name: 'DeleteObjects deletes what is there and says so of what is not',
    run: async (wire) => {
      const names = ['a', 'b & c', 'ü'];
      for (const name of [...names, 'kept']) await wire.put(name, 'x');
      const { Deleted, Errors } = await wire.deleteAll([...names, 'absent']);
      expect(Errors ?? []).toEqual([]);
      const deleted = (Deleted ?? []).map(({ Key }) => Key);
      expect(deleted.sort()).toEqual([...names, 'absent'].map((name) => wire.key(name)).sort());
      expect(await wire.names()).toEqual(['kept']);
    },
  },
  {
    name: 'headers, metadata and tags of a PutObject are kept',
    run: async (wire) => {
      await wire.put('object', 'x', { ...ATTRIBUTES, Tagging: 'team=sales&a%20b=1%2B1' });
      expect(await wire.head('object')).toMatchObject(ATTRIBUTES);
      const tags = (await tagsOf(wire, 'object'))?.map(({ Key, Value }) => `${Key}: ${Value}`);
      expect(tags?.sort()).toEqual(['a b: 1+1', 'team: sales']);
    },
  },
  ...KEYS.map((key) => ({
    name: `the key ${JSON.stringify(key)} is written, listed, copied, read and deleted as it is`,
    run: async (wire: Wire) => {
      await wire.put(key, `content of ${key}`);
      expect(await wire.names()).toEqual([key]);
      await wire.copy(key, 'copy');
      expect(await wire.text('copy')).toBe(`content of ${key}`);
      expect(await wire.text(key)).toBe(`content of ${key}`);
      await wire.deleteAll([key]);
      expect(await wire.names()).toEqual(['copy']);
    },
  })),
  {
    name: 'a key of 1,024 bytes is taken, one of 1,025 is refused',
    run: async (wire) => {
      const longest = 'x'.repeat(1024 - wire.prefix.length);
      // In segments, since some stores keep a key as a path of files.
      const name = longest.replace(/(.{99})./g, '$1/');
      expect(await outcome(wire.put(name, 'x'))).toBe('accepted');
      expect(await outcome(wire.put(`${name}y`, 'x'))).toBe('400 KeyTooLongError');
    },
  },
  {
    name: 'a key and keys below it live side by side',
    run: async (wire) => {
      await wire.put('name', 'file');
      await wire.put('name/below', 'below');
      expect(await wire.text('name')).toBe('file');
      expect(await wire.text('name/below')).toBe('below');
      expect(await wire.names()).toEqual(['name', 'name/below']);
    },
  },
];
