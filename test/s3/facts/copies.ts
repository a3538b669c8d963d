import { expect } from 'vitest';
import type { Fact } from '../fact.ts';
import { crc32Of, MIN_PART, outcome, type Wire } from '../wire.ts';
import { claim, FIRST, LAST, WHOLE } from './multipart.ts';
import { ATTRIBUTES, tagsOf } from './objects.ts';

/** An object of two parts, with checksum and attributes. */
export async function putSource(wire: Wire): Promise<string | undefined> {
  const upload = await wire.create('source', {
    ...{ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT', Tagging: 'team=sales' },
    ...ATTRIBUTES,
  });
  const parts = [await upload.part(1, FIRST), await upload.part(2, LAST)];
  return (await upload.complete(parts, claim(WHOLE))).ETag;
}

/** An upload that verifies no checksums, which every store lets parts be copied into. */
export const createPlain = (wire: Wire, name: string) => wire.create(name, {});

export const copyFacts: readonly Fact<Wire>[] = [
  {
    name: 'UploadPartCopy takes a range of a source that is as its condition says',
    run: async (wire) => {
      const CopySourceIfMatch = await putSource(wire);
      const upload = await createPlain(wire, 'object');
      const CopySourceRange = `bytes=10-${WHOLE.length - 1}`;
      await upload.complete([await upload.copy(1, 'source', { CopySourceRange, CopySourceIfMatch })]);
      expect((await wire.get('object')).equals(WHOLE.subarray(10))).toBe(true);
    },
  },
  {
    name: 'UploadPartCopy into an upload that verifies CRC32s tells that of the range',
    run: async (wire) => {
      await putSource(wire);
      const upload = await wire.create('object');
      const part = await upload.copy(1, 'source', { CopySourceRange: `bytes=10-${WHOLE.length - 1}` });
      expect(part.ChecksumCRC32).toBe(crc32Of(WHOLE.subarray(10)));
    },
  },
  {
    name: 'a completion verifies the CRC32 over parts that were sent and parts that were copied',
    run: async (wire) => {
      await putSource(wire);
      const upload = await wire.create('object');
      const parts = [
        await upload.copy(1, 'source', { CopySourceRange: `bytes=0-${MIN_PART - 1}` }),
        await upload.part(2, LAST),
      ];
      const wrong = upload.complete(parts, { ...claim(WHOLE), ChecksumCRC32: crc32Of(FIRST) });
      expect(await outcome(wrong)).toBe('400 BadDigest');
      expect(await wire.names()).toEqual(['source']);
      await upload.complete(parts, claim(WHOLE));
      expect((await wire.get('object')).equals(WHOLE)).toBe(true);
    },
  },
  {
    name: 'UploadPartCopy of a source that has changed is 412, and of one that is gone 404',
    run: async (wire) => {
      const { ETag } = await wire.put('source', 'first');
      await wire.put('source', 'second');
      const upload = await createPlain(wire, 'object');
      const stale = upload.copy(1, 'source', { CopySourceIfMatch: ETag, CopySourceRange: 'bytes=0-2' });
      expect(await outcome(stale)).toBe('412 PreconditionFailed');
      await wire.delete('source');
      const gone = upload.copy(1, 'source', { CopySourceIfMatch: ETag, CopySourceRange: 'bytes=0-2' });
      expect(await outcome(gone)).toBe('404 NoSuchKey');
      expect((await upload.listParts()).Parts ?? []).toEqual([]);
    },
  },
  {
    name: 'UploadPartCopy refuses a range that ends past its source',
    run: async (wire) => {
      await wire.put('source', '0123456789');
      const upload = await createPlain(wire, 'object');
      const past = upload.copy(1, 'source', { CopySourceRange: 'bytes=5-10' });
      expect(await outcome(past)).toBe('400 InvalidArgument');
    },
  },
  {
    name: 'parts that were copied and parts that were sent make one object, onto the source itself too',
    run: async (wire) => {
      await putSource(wire);
      const upload = await createPlain(wire, 'source');
      const parts = [
        await upload.copy(1, 'source', { CopySourceRange: `bytes=0-${MIN_PART - 1}` }),
        await upload.part(2, Buffer.from('another end')),
      ];
      await upload.complete(parts);
      const whole = Buffer.concat([FIRST, Buffer.from('another end')]);
      expect((await wire.get('source')).equals(whole)).toBe(true);
    },
  },
  {
    name: 'a part copied over a part that was sent replaces it, and the other way round',
    run: async (wire) => {
      await wire.put('source', 'copied');
      const upload = await createPlain(wire, 'object');
      const sent = await upload.part(1, LAST);
      const copied = await upload.copy(1, 'source');
      expect(await outcome(upload.complete([sent]))).toBe('400 InvalidPart');
      const again = await upload.part(1, LAST);
      expect(await outcome(upload.complete([copied]))).toBe('400 InvalidPart');
      await upload.complete([again]);
      expect((await wire.get('object')).equals(LAST)).toBe(true);
    },
  },
  {
    name: 'CopyObject keeps bytes, headers, metadata, tags and CRC32, also of an object that came in parts',
    run: async (wire) => {
      await putSource(wire);
      const { CopyObjectResult } = await wire.copy('source', 'copy');
      const head = await wire.head('copy');
      expect(head).toMatchObject({
        ...ATTRIBUTES,
        ContentLength: WHOLE.length,
        ETag: CopyObjectResult?.ETag,
      });
      expect(head).toMatchObject({ ChecksumCRC32: crc32Of(WHOLE), ChecksumType: 'FULL_OBJECT' });
      expect(await tagsOf(wire, 'copy')).toEqual([{ Key: 'team', Value: 'sales' }]);
      expect((await wire.get('copy')).equals(WHOLE)).toBe(true);
    },
  },
  {
    name: 'CopyObject with REPLACE takes headers and metadata of the request alone',
    run: async (wire) => {
      await wire.put('source', 'x', ATTRIBUTES);
      const replaced = { ContentType: 'text/plain', Metadata: { by: 'you' } };
      await wire.copy('source', 'copy', { MetadataDirective: 'REPLACE', ...replaced });
      const head = await wire.head('copy');
      expect(head).toMatchObject(replaced);
      expect(head.Metadata).toEqual(replaced.Metadata);
      expect(head.CacheControl).toBeUndefined();
      expect(await wire.text('copy')).toBe('x');
    },
  },
  {
    name: 'CopyObject onto itself is refused, unless it replaces the metadata',
    run: async (wire) => {
      await wire.put('object', 'x', { Metadata: { author: 'me' } });
      expect(await outcome(wire.copy('object', 'object'))).toBe('400 InvalidRequest');
      await wire.copy('object', 'object', { MetadataDirective: 'REPLACE', Metadata: { by: 'you' } });
      expect((await wire.head('object')).Metadata).toEqual({ by: 'you' });
      expect(await wire.text('object')).toBe('x');
    },
  },
  {
    name: 'CopyObject of a missing source is NoSuchKey',
    run: async (wire) => {
      expect(await outcome(wire.copy('missing', 'copy'))).toBe('404 NoSuchKey');
    },
  },
];
