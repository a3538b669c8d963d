import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Fact } from '../fact.ts';
import { crc32Of, FULL_OBJECT, MIN_PART, outcome, type Wire } from '../wire.ts';
import { ATTRIBUTES, tagsOf } from './objects.ts';

export const FIRST = randomBytes(MIN_PART);
export const LAST = Buffer.from('the last part may be small');
export const WHOLE = Buffer.concat([FIRST, LAST]);

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();

/** What our backend claims of the whole object when it completes an upload. */
export const claim = (bytes: Buffer) => ({
  ChecksumCRC32: crc32Of(bytes),
  ChecksumType: 'FULL_OBJECT' as const,
  MpuObjectSize: bytes.length,
});

/** Stores word their refusal differently. */
export const refusesDamagedPart =
  (refusal: string) =>
  async (wire: Wire): Promise<void> => {
    const upload = await wire.create('object');
    const part = await upload.part(1, LAST);
    const wrong = upload.part(1, Buffer.from('damaged'), { ChecksumCRC32: crc32Of('other') });
    expect(await outcome(wrong)).toBe(refusal);
    await upload.complete([part], claim(LAST));
    expect((await wire.get('object')).equals(LAST)).toBe(true);
  };

/** Stores word their refusal differently. */
export const refusesDamagedWhole =
  (refusal: string) =>
  async (wire: Wire): Promise<void> => {
    await wire.put('object', 'kept');
    const upload = await wire.create('object');
    const parts = [await upload.part(1, FIRST), await upload.part(2, LAST)];
    const wrong = upload.complete(parts, { ...claim(WHOLE), ChecksumCRC32: crc32Of(FIRST) });
    expect(await outcome(wrong)).toBe(refusal);
    expect(await wire.text('object')).toBe('kept');
  };

/** Stores answer a second abort differently. */
export const endsWithItsAbort =
  (again: string) =>
  async (wire: Wire): Promise<void> => {
    const upload = await wire.create('object');
    const part = await upload.part(1, LAST);
    await upload.abort();
    expect(await wire.openUploads('object')).toEqual([]);
    expect(await outcome(upload.part(2, LAST))).toBe('404 NoSuchUpload');
    expect(await outcome(upload.listParts())).toBe('404 NoSuchUpload');
    expect(await outcome(upload.complete([part]))).toBe('404 NoSuchUpload');
    expect(await outcome(upload.abort())).toBe(again);
    expect(await wire.names()).toEqual([]);
  };

export const multipartFacts: readonly Fact<Wire>[] = [
  {
    name: 'an upload says at its creation that it verifies CRC32s of the whole object',
    run: async (wire) => {
      expect((await wire.create('object')).created).toMatchObject(FULL_OBJECT);
    },
  },
  {
    name: 'parts sent in any order become one object, verified by the CRC32 of the whole, which HEAD tells',
    run: async (wire) => {
      const upload = await wire.create('object');
      const last = await upload.part(2, LAST);
      const first = await upload.part(1, FIRST);
      expect(await wire.names()).toEqual([]);
      const done = await upload.complete([first, last], claim(WHOLE));
      const ETag = `"${md5(Buffer.concat([md5(FIRST), md5(LAST)])).toString('hex')}-2"`;
      const checksum = { ChecksumCRC32: crc32Of(WHOLE), ChecksumType: 'FULL_OBJECT' };
      expect(done).toMatchObject({ ETag, ...checksum });
      expect(await wire.head('object')).toMatchObject({ ETag, ContentLength: WHOLE.length, ...checksum });
      expect((await wire.get('object')).equals(WHOLE)).toBe(true);
    },
  },
  {
    name: 'an upload of one small part is an object',
    run: async (wire) => {
      const upload = await wire.create('object');
      await upload.complete([await upload.part(1, LAST)], claim(LAST));
      expect((await wire.get('object')).equals(LAST)).toBe(true);
    },
  },
  {
    name: 'an upload of one empty part is an empty object',
    run: async (wire) => {
      const upload = await wire.create('object');
      await upload.complete([await upload.part(1, Buffer.alloc(0))], claim(Buffer.alloc(0)));
      expect((await wire.head('object')).ContentLength).toBe(0);
    },
  },
  {
    name: 'parts may come without a CRC32, and be listed without one: the CRC32 of the whole is verified all the same',
    run: async (wire) => {
      const upload = await wire.create('object');
      const bare = { ChecksumCRC32: undefined };
      const parts = [await upload.part(1, FIRST, bare), await upload.part(2, LAST, bare)];
      const listed = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
      const wrong = upload.complete(listed, { ...claim(WHOLE), ChecksumCRC32: crc32Of(FIRST) });
      expect(await outcome(wrong)).toBe('400 BadDigest');
      expect(await outcome(upload.complete(listed, claim(WHOLE)))).toBe('accepted');
    },
  },
  {
    name: 'part numbers may leave gaps',
    run: async (wire) => {
      const upload = await wire.create('object');
      const parts = [await upload.part(7, FIRST), await upload.part(10_000, LAST)];
      await upload.complete(parts, claim(WHOLE));
      expect((await wire.get('object')).equals(WHOLE)).toBe(true);
    },
  },
  {
    name: 'a part below 5 MiB that is not the last is EntityTooSmall at completion, and the upload stays open',
    run: async (wire) => {
      const upload = await wire.create('object');
      const small = await upload.part(1, FIRST.subarray(1));
      const last = await upload.part(2, LAST);
      expect(await outcome(upload.complete([small, last]))).toBe('400 EntityTooSmall');
      expect(await wire.names()).toEqual([]);
      const enough = await upload.part(1, FIRST);
      expect(await outcome(upload.complete([enough, last]))).toBe('accepted');
    },
  },
  {
    name: 'UploadPart refuses a body whose CRC32 is another, and keeps the part it had',
    run: refusesDamagedPart('400 BadDigest'),
  },
  {
    name: 'a completion whose CRC32 of the whole is wrong is BadDigest, and nothing appears',
    run: refusesDamagedWhole('400 BadDigest'),
  },
  {
    name: 'a completion whose size of the whole is wrong is refused, and nothing appears',
    run: async (wire) => {
      const upload = await wire.create('object');
      const parts = [await upload.part(1, LAST)];
      const wrong = upload.complete(parts, { MpuObjectSize: LAST.length + 1 });
      expect(await outcome(wrong)).toBe('400 InvalidRequest');
      expect(await wire.names()).toEqual([]);
    },
  },
  {
    name: 'a completion with a part that was not sent, or sent with another ETag, is InvalidPart',
    run: async (wire) => {
      const upload = await wire.create('object');
      const part = await upload.part(1, LAST);
      const missing = upload.complete([part, { PartNumber: 2, ETag: part.ETag }]);
      expect(await outcome(missing)).toBe('400 InvalidPart');
      const ETag = '"0123456789abcdef0123456789abcdef"';
      expect(await outcome(upload.complete([{ PartNumber: 1, ETag }]))).toBe('400 InvalidPart');
      expect(await wire.names()).toEqual([]);
    },
  },
  {
    name: 'parts listed out of order are InvalidPartOrder',
    run: async (wire) => {
      const upload = await wire.create('object');
      const parts = [await upload.part(2, LAST), await upload.part(1, FIRST)];
      expect(await outcome(upload.complete(parts))).toBe('400 InvalidPartOrder');
    },
  },
  {
    name: 'a part that is sent again replaces the one before',
    run: async (wire) => {
      const upload = await wire.create('object');
      const before = await upload.part(1, Buffer.from('to be replaced'));
      const part = await upload.part(1, LAST);
      expect(await outcome(upload.complete([before]))).toBe('400 InvalidPart');
      await upload.complete([part], claim(LAST));
      expect((await wire.get('object')).equals(LAST)).toBe(true);
    },
  },
  {
    name: 'a completed upload is gone: a second completion is NoSuchUpload and leaves the object',
    run: async (wire) => {
      const upload = await wire.create('object');
      const part = await upload.part(1, LAST);
      await upload.complete([part]);
      expect(await wire.openUploads('object')).toEqual([]);
      expect(await outcome(upload.complete([part]))).toBe('404 NoSuchUpload');
      expect((await wire.get('object')).equals(LAST)).toBe(true);
    },
  },
  {
    name: 'an aborted upload is gone with all its parts, and a second abort is NoSuchUpload',
    run: endsWithItsAbort('404 NoSuchUpload'),
  },
  {
    name: 'ListParts tells number, size, ETag and CRC32 of every part, page by page',
    run: async (wire) => {
      const upload = await wire.create('object');
      const bodies = ['three', 'one', 'two 22'].map((text) => Buffer.from(text));
      const [three, one, two] = bodies as [Buffer, Buffer, Buffer];
      for (const [PartNumber, body] of [
        [3, three],
        [1, one],
        [2, two],
      ] as const) {
        await upload.part(PartNumber, body);
      }
      const entry = (PartNumber: number, body: Buffer) => ({
        ...{ PartNumber, Size: body.length, ChecksumCRC32: crc32Of(body) },
        ETag: `"${md5(body).toString('hex')}"`,
      });
      const page = await upload.listParts({ MaxParts: 2 });
      expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' });
      expect(page.Parts).toMatchObject([entry(1, one), entry(2, two)]);
      const rest = await upload.listParts({ PartNumberMarker: '2' });
      expect(rest.IsTruncated).toBe(false);
      expect(rest.Parts).toMatchObject([entry(3, three)]);
    },
  },
  {
    name: 'ListMultipartUploads tells every upload that is open below a prefix, two of one key as well',
    run: async (wire) => {
      const uploads = [await wire.create('a/1'), await wire.create('a/2'), await wire.create('a/1')];
      await wire.create('b');
      const ids = uploads.map(({ name }) => name.UploadId);
      expect((await wire.openUploads('a/')).sort()).toEqual(ids.sort());
    },
  },
  {
    name: 'ListMultipartUploads tells the open uploads of one key',
    run: async (wire) => {
      const upload = await wire.create('a/1');
      expect(await wire.openUploads('a/1')).toEqual([upload.name.UploadId]);
      expect(await wire.openUploads('a/2')).toEqual([]);
    },
  },
  {
    name: 'headers, metadata and tags of a CreateMultipartUpload are those of the object',
    run: async (wire) => {
      const upload = await wire.create('object', { ...FULL_OBJECT, ...ATTRIBUTES, Tagging: 'team=sales' });
      await upload.complete([await upload.part(1, LAST)]);
      expect(await wire.head('object')).toMatchObject(ATTRIBUTES);
      expect(await tagsOf(wire, 'object')).toEqual([{ Key: 'team', Value: 'sales' }]);
    },
  },
];
