import assert from 'node:assert/strict';
import { expect } from 'vitest';
import type { ConformanceSubject } from '../../../src/testing/index.ts';
import { createPlain, putSource } from '../facts/copies.ts';
import { claim, FIRST, LAST, WHOLE } from '../facts/multipart.ts';
import { crc32Of, FULL_OBJECT, MiB, outcome, type Wire } from '../wire.ts';
import type { Profile } from './profile.ts';
import { ANY_SIZE_COMPLETES, COPIES_REPLACE } from './shared.ts';

const VERIFIES_NOTHING = 'it verifies no checksum';
const FORGETS = 'it keeps a checksum only where the request names the algorithm beside it';
const NO_SOURCE_CONDITIONS = 'it ignores conditions on the source of a copy';
const NO_COPY_CHECKSUMS = 'it computes no checksum of a copied part';

/** What takes a request by an upload that is gone: an error of moto's own, in HTML, which the SDK cannot read. */
async function expectBroken(request: Promise<unknown>): Promise<void> {
  await expect(request).rejects.toThrow(/<html>/);
}

async function expectPlainUploadOf(wire: Wire, body: Buffer): Promise<void> {
  expect((await wire.get('object')).equals(body)).toBe(true);
}

/** A part is copied of whatever the source is by then. */
async function copiesWhatIsThere({ backend, context }: ConformanceSubject): Promise<void> {
  await backend.writeFile(context, '/source', Buffer.alloc(12_000_000, 'old'));
  const { etag = '' } = await backend.fileInfo(context, '/source');
  const options = { create: true, exclusive: false, truncate: true, append: false };
  const upload = await backend.beginWrite(context, '/file', options);
  const later = Buffer.alloc(12_000_000, 'new');
  await backend.writeFile(context, '/source', later);
  await upload.copyChunk?.('/source', { offset: 0, length: later.length, etag }, 0);
  await upload.finishWrite();
  assert.ok(later.equals(await backend.readFile(context, '/file')));
}

/** moto 5.2.1, in server mode. */
export const moto: Profile = {
  name: 'moto',
  wire: {
    'an object comes back byte for byte, its ETag the MD5 of its bytes, its CRC32 told on HEAD': {
      reason: FORGETS,
      actual: async (wire) => {
        const put = await wire.put('object', WHOLE, { ChecksumCRC32: crc32Of(WHOLE) });
        expect(put.ChecksumCRC32).toBeUndefined();
        expect((await wire.get('object')).equals(WHOLE)).toBe(true);
        const head = await wire.head('object');
        expect(head).toMatchObject({ ETag: put.ETag, ContentLength: WHOLE.length });
        expect(head.ChecksumCRC32).toBeUndefined();
      },
    },
    'PutObject refuses a body whose CRC32 is another, and keeps what was there': {
      reason: VERIFIES_NOTHING,
      actual: async (wire) => {
        const damaged = wire.put('object', 'content', { ChecksumCRC32: crc32Of('other') });
        expect(await outcome(damaged)).toBe('accepted');
        expect(await wire.text('object')).toBe('content');
      },
    },
    'UploadPart refuses a body whose CRC32 is another, and keeps the part it had': {
      reason: VERIFIES_NOTHING,
      actual: async (wire) => {
        const upload = await wire.create('object');
        const part = await upload.part(1, LAST, { ChecksumCRC32: crc32Of('other') });
        await upload.complete([part]);
        await expectPlainUploadOf(wire, LAST);
      },
    },
    'a completion whose CRC32 of the whole is wrong is BadDigest, and nothing appears': {
      reason: VERIFIES_NOTHING,
      actual: async (wire) => {
        const upload = await wire.create('object');
        const wrong = { ...claim(LAST), ChecksumCRC32: crc32Of(FIRST) };
        expect(await outcome(upload.complete([await upload.part(1, LAST)], wrong))).toBe('accepted');
        expect((await wire.head('object')).ChecksumCRC32).toBe(crc32Of(LAST));
      },
    },
    'parts may come without a CRC32, and be listed without one: the CRC32 of the whole is verified all the same':
      {
        reason: VERIFIES_NOTHING,
        actual: async (wire) => {
          const upload = await wire.create('object');
          const { PartNumber, ETag } = await upload.part(1, LAST, { ChecksumCRC32: undefined });
          await upload.complete([{ PartNumber, ETag }], { ...claim(LAST), ChecksumCRC32: crc32Of(FIRST) });
          await expectPlainUploadOf(wire, LAST);
        },
      },
    'a completion whose size of the whole is wrong is refused, and nothing appears': ANY_SIZE_COMPLETES,
    'parts sent in any order become one object, verified by the CRC32 of the whole, which HEAD tells': {
      reason:
        'it computes the CRC32 of the whole by itself, tells it on HEAD, but not in answer to the completion',
      actual: async (wire) => {
        const upload = await wire.create('object');
        const last = await upload.part(2, LAST);
        const done = await upload.complete([await upload.part(1, FIRST), last], claim(WHOLE));
        expect(done.ChecksumCRC32).toBeUndefined();
        const told = { ETag: done.ETag, ChecksumCRC32: crc32Of(WHOLE), ChecksumType: 'FULL_OBJECT' };
        expect(await wire.head('object')).toMatchObject(told);
        await expectPlainUploadOf(wire, WHOLE);
      },
    },
    'a key of 1,024 bytes is taken, one of 1,025 is refused': {
      reason: 'it takes keys of any length',
      actual: async (wire) => {
        const name = 'x'.repeat(1025 - wire.prefix.length);
        expect(await outcome(wire.put(name, 'x'))).toBe('accepted');
        expect(await wire.names()).toEqual([name]);
      },
    },
    'a completion with If-Match replaces only the object that it names': {
      reason: 'a completion knows If-None-Match, but ignores If-Match',
      actual: async (wire) => {
        await wire.put('name', 'first');
        const upload = await wire.create('name');
        const part = await upload.part(1, Buffer.from('ours'));
        const stale = { IfMatch: '"0123456789abcdef0123456789abcdef"' };
        expect(await outcome(upload.complete([part], stale))).toBe('accepted');
        expect(await wire.text('name')).toBe('ours');
      },
    },
    'CopyObject copies only the source that its condition names': {
      reason: 'copies ignore the conditions on their source',
      actual: async (wire) => {
        const { ETag } = await wire.put('source', 'first');
        await wire.put('source', 'second');
        expect(await outcome(wire.copy('source', 'copy', { CopySourceIfMatch: ETag }))).toBe('accepted');
        expect(await wire.text('copy')).toBe('second');
      },
    },
    'CopyObject with If-None-Match: * creates, but never replaces': COPIES_REPLACE,
    'UploadPartCopy of a source that has changed is 412, and of one that is gone 404': {
      reason: 'copies ignore the conditions on their source; the error for one that is gone has no code',
      actual: async (wire) => {
        const { ETag } = await wire.put('source', 'first');
        await wire.put('source', 'second');
        const upload = await createPlain(wire, 'object');
        const condition = { CopySourceIfMatch: ETag, CopySourceRange: 'bytes=0-2' };
        await upload.complete([await upload.copy(1, 'source', condition)]);
        expect(await wire.text('object')).toBe('sec');
        await wire.delete('source');
        const gone = (await createPlain(wire, 'object')).copy(1, 'source', condition);
        expect(await outcome(gone)).toBe('404 NotFound');
      },
    },
    'UploadPartCopy refuses a range that ends past its source': {
      reason: 'it copies what there is',
      actual: async (wire) => {
        await wire.put('source', '0123456789');
        const upload = await createPlain(wire, 'object');
        await upload.complete([await upload.copy(1, 'source', { CopySourceRange: 'bytes=5-10' })]);
        expect(await wire.text('object')).toBe('56789');
      },
    },
    'UploadPartCopy into an upload that verifies CRC32s tells that of the range': {
      reason: NO_COPY_CHECKSUMS,
      actual: async (wire) => {
        await putSource(wire);
        const part = await (await wire.create('object')).copy(1, 'source', { CopySourceRange: 'bytes=0-9' });
        expect(part.ETag).toBeDefined();
        expect(part.ChecksumCRC32).toBeUndefined();
      },
    },
    'a completion verifies the CRC32 over parts that were sent and parts that were copied': {
      reason: VERIFIES_NOTHING,
      actual: async (wire) => {
        await putSource(wire);
        const upload = await wire.create('object');
        const parts = [
          await upload.copy(1, 'source', { CopySourceRange: `bytes=0-${FIRST.length - 1}` }),
          await upload.part(2, LAST),
        ];
        await upload.complete(parts, { ...claim(WHOLE), ChecksumCRC32: crc32Of(FIRST) });
        await expectPlainUploadOf(wire, WHOLE);
        expect((await wire.head('object')).ChecksumCRC32).toBe(crc32Of(WHOLE));
      },
    },
    'parts listed out of order are InvalidPartOrder': {
      reason: 'it puts them in order by itself',
      actual: async (wire) => {
        const upload = await wire.create('object');
        const parts = [await upload.part(2, FIRST), await upload.part(1, FIRST)];
        expect(await outcome(upload.complete(parts))).toBe('accepted');
      },
    },
    'a completed upload is gone: a second completion is NoSuchUpload and leaves the object': {
      reason: 'a second completion is answered as the first was',
      actual: async (wire) => {
        const upload = await wire.create('object');
        const part = await upload.part(1, LAST);
        const { ETag } = await upload.complete([part]);
        expect(await wire.openUploads('object')).toEqual([]);
        expect((await upload.complete([part])).ETag).toBe(ETag);
        await expectPlainUploadOf(wire, LAST);
      },
    },
    'an aborted upload is gone with all its parts, and a second abort is NoSuchUpload': {
      reason: 'it fails by itself at a part for an upload that is gone, and at its completion',
      actual: async (wire) => {
        const upload = await wire.create('object');
        const part = await upload.part(1, LAST);
        await upload.abort();
        expect(await wire.openUploads('object')).toEqual([]);
        expect(await outcome(upload.listParts())).toBe('404 NoSuchUpload');
        expect(await outcome(upload.abort())).toBe('404 NoSuchUpload');
        await expectBroken(upload.part(2, LAST));
        await expectBroken(upload.complete([part]));
        expect(await wire.names()).toEqual([]);
      },
    },
    'ListParts tells number, size, ETag and CRC32 of every part, page by page': {
      reason: FORGETS,
      actual: async (wire) => {
        const upload = await wire.create('object');
        for (const PartNumber of [3, 1, 2]) await upload.part(PartNumber, LAST);
        const page = await upload.listParts({ MaxParts: 2 });
        expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' });
        const rest = await upload.listParts({ PartNumberMarker: '2' });
        const parts = [...(page.Parts ?? []), ...(rest.Parts ?? [])];
        expect(parts.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual(
          [1, 2, 3].map((PartNumber) => [PartNumber, LAST.length]),
        );
        expect(parts.flatMap(({ ChecksumCRC32 }) => ChecksumCRC32 ?? [])).toEqual([]);
      },
    },
  },
  transfers: {
    'S3 tells the CRC32 of the whole of what went up, in one request or in parts, and no upload stays open': {
      reason: 'it does not tell the type of the checksum of an object that came in one request',
      actual: async (on) => {
        const small = await on.write('small', 100);
        const large = await on.write('large', 11 * MiB);
        await on.session(`put ${on.local('small')} /small`, `put ${on.local('large')} /large`);
        const { ChecksumCRC32, ChecksumType } = await on.wire.head('small');
        expect([ChecksumCRC32, ChecksumType]).toEqual([crc32Of(small), undefined]);
        const checksum = { ChecksumCRC32: crc32Of(large), ChecksumType: FULL_OBJECT.ChecksumType };
        expect(await on.wire.head('large')).toMatchObject(checksum);
      },
    },
  },
  conformance: {
    'a file and a directory with a name of a line break are kept under exactly that name': {
      reason: 'its router knows no path with a line break, and answers 404 in HTML to the write',
      actual: async ({ backend, context }) => {
        await assert.rejects(backend.makeDir(context, '/two\nlines'), { code: 'ENOENT' });
      },
    },
    'copyChunk rejects ESTALE, at the end at the latest, when 12000000 bytes were replaced before it': {
      reason: NO_SOURCE_CONDITIONS,
      actual: copiesWhatIsThere,
    },
    'copyChunk gives the old 12000000 bytes or rejects ESTALE when they are replaced before the end': {
      reason: NO_SOURCE_CONDITIONS,
      actual: copiesWhatIsThere,
    },
  },
};
