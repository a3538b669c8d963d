import { expect } from 'vitest';
import { createPlain, putSource } from '../facts/copies.ts';
import {
  claim,
  endsWithItsAbort,
  FIRST,
  LAST,
  refusesDamagedPart,
  refusesDamagedWhole,
  WHOLE,
} from '../facts/multipart.ts';
import { refusesDamagedObject } from '../facts/objects.ts';
import { crc32Of, outcome } from '../wire.ts';
import type { Profile } from './profile.ts';
import { ANY_SIZE_COMPLETES, COPIES_REPLACE } from './shared.ts';

const OTHER_CODE = 'a wrong checksum has an error code of its own, XAmzContentChecksumMismatch';
const NO_CHECKED_COPIES =
  'every part of an upload that verifies checksums must come with one, which a copied part cannot';
const MiB = 1024 * 1024;
const DAMAGED = '400 XAmzContentChecksumMismatch';

/** MinIO as of 2026-02-12, one node, one disk. */
export const minio: Profile = {
  name: 'minio',
  wire: {
    'PutObject refuses a body whose CRC32 is another, and keeps what was there': {
      reason: OTHER_CODE,
      actual: refusesDamagedObject(DAMAGED),
    },
    'UploadPart refuses a body whose CRC32 is another, and keeps the part it had': {
      reason: OTHER_CODE,
      actual: refusesDamagedPart(DAMAGED),
    },
    'a completion whose CRC32 of the whole is wrong is BadDigest, and nothing appears': {
      reason: OTHER_CODE,
      actual: refusesDamagedWhole(DAMAGED),
    },
    'a key and keys below it live side by side': {
      reason:
        'keys below an object are kept and can be read, but no listing shows them until that object is gone',
      actual: async (wire) => {
        await wire.put('name', 'file');
        await wire.put('name/below', 'below');
        expect(await wire.text('name/below')).toBe('below');
        expect(await wire.names()).toEqual(['name']);
        await wire.delete('name');
        expect(await wire.names()).toEqual(['name/below']);
      },
    },
    'CopyObject with If-None-Match: * creates, but never replaces': COPIES_REPLACE,
    'parts sent in any order become one object, verified by the CRC32 of the whole, which HEAD tells': {
      reason: 'the answer to a completion has no ChecksumType',
      actual: async (wire) => {
        const upload = await wire.create('object');
        const last = await upload.part(2, LAST);
        const done = await upload.complete([await upload.part(1, FIRST), last], claim(WHOLE));
        expect(done.ChecksumCRC32).toBe(crc32Of(WHOLE));
        expect(done.ChecksumType).toBeUndefined();
        const told = { ETag: done.ETag, ChecksumCRC32: crc32Of(WHOLE), ChecksumType: 'FULL_OBJECT' };
        expect(await wire.head('object')).toMatchObject(told);
        expect((await wire.get('object')).equals(WHOLE)).toBe(true);
      },
    },
    'an upload of one empty part is an empty object': {
      reason: 'it computes no CRC32 of an upload without bytes, so that every claim about one is wrong',
      actual: async (wire) => {
        const upload = await wire.create('object');
        const part = await upload.part(1, Buffer.alloc(0));
        expect(await outcome(upload.complete([part], claim(Buffer.alloc(0))))).toBe(DAMAGED);
        expect(await wire.names()).toEqual([]);
      },
    },
    'parts may come without a CRC32, and be listed without one: the CRC32 of the whole is verified all the same':
      {
        reason: 'every part of an upload that verifies checksums must come with one',
        actual: async (wire) => {
          const upload = await wire.create('object');
          const bare = upload.part(1, LAST, { ChecksumCRC32: undefined });
          expect(await outcome(bare)).toBe('400 InvalidArgument');
          const { PartNumber, ETag } = await upload.part(1, LAST);
          expect(await outcome(upload.complete([{ PartNumber, ETag }], claim(LAST)))).toBe('400 InvalidPart');
        },
      },
    'a completion whose size of the whole is wrong is refused, and nothing appears': ANY_SIZE_COMPLETES,
    'an aborted upload is gone with all its parts, and a second abort is NoSuchUpload': {
      reason: 'the abort of an upload that is gone is no error',
      actual: endsWithItsAbort('accepted'),
    },
    'ListMultipartUploads tells every upload that is open below a prefix, two of one key as well': {
      reason: 'it lists the uploads of a key that is named in full, not those below a prefix',
      actual: async (wire) => {
        const uploads = [await wire.create('a/1'), await wire.create('a/1')];
        expect(await wire.openUploads('a/')).toEqual([]);
        const ids = uploads.map(({ name }) => name.UploadId);
        expect((await wire.openUploads('a/1')).sort()).toEqual(ids.sort());
      },
    },
    'UploadPartCopy into an upload that verifies CRC32s tells that of the range': {
      reason: NO_CHECKED_COPIES,
      actual: async (wire) => {
        await putSource(wire);
        const upload = await wire.create('object');
        const range = { CopySourceRange: 'bytes=0-9' };
        expect(await outcome(upload.copy(1, 'source', range))).toBe('400 InvalidArgument');
        expect((await upload.listParts()).Parts ?? []).toEqual([]);
      },
    },
    'a completion verifies the CRC32 over parts that were sent and parts that were copied': {
      reason: `${NO_CHECKED_COPIES}; an upload that verifies none takes both, and has no checksum`,
      actual: async (wire) => {
        await putSource(wire);
        const upload = await createPlain(wire, 'object');
        const parts = [
          await upload.copy(1, 'source', { CopySourceRange: `bytes=0-${FIRST.length - 1}` }),
          await upload.part(2, LAST),
        ];
        await upload.complete(parts);
        expect((await wire.get('object')).equals(WHOLE)).toBe(true);
        expect((await wire.head('object')).ChecksumCRC32).toBeUndefined();
      },
    },
  },
  transfers: {
    'S3 tells the CRC32 of the whole of what went up, in one request or in parts, and no upload stays open': {
      reason: `${NO_CHECKED_COPIES}; so multipart uploads verify each part, and not the whole`,
      actual: async (on) => {
        const small = await on.write('small', 100);
        await on.write('large', 11 * MiB);
        await on.session(`put ${on.local('small')} /small`, `put ${on.local('large')} /large`);
        expect((await on.wire.head('small')).ChecksumCRC32).toBe(crc32Of(small));
        expect((await on.wire.head('large')).ChecksumCRC32).toBeUndefined();
        expect(await on.wire.openUploads('large')).toEqual([]);
      },
    },
  },
};
