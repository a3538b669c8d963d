import { encodeCrc32 } from '../../test/support/strict-s3/checksums.ts';
import { GiB } from '../sizes.ts';
import { type Call, newEtag, noSuchUpload, parseRange, refused, type S3Answer } from './call.ts';
import { join, slice } from './extents.ts';
import type { SinkObject } from './store.ts';
import { xml } from './xml.ts';

/** Most that one request copies. */
const MAX_COPY_BYTES = 5 * GiB;

/** A part out of another object: all of it, or the range that the request names. */
export function copyPart(call: Call): S3Answer {
  const { store, request, path } = call;
  const query = request.url.searchParams;
  const upload = store.upload(query.get('uploadId'), path);
  if (upload === undefined) return noSuchUpload();
  const source = sourceOf(call);
  if (source === undefined) return noSuchSource();
  const { size } = join(source.extents);
  const range = rangeOf(request.headers['x-amz-copy-source-range'], size);
  if (range === undefined) {
    return refused(400, 'InvalidArgument', `The range is not valid for a source of ${size} bytes`);
  }
  const copied = slice(source.extents, range.start, range.end);
  if (copied.size > MAX_COPY_BYTES) return tooLarge();
  const part = { ...copied, etag: newEtag() };
  upload.parts.set(Number(query.get('partNumber')), part);
  return { ...xml('CopyPartResult', resultOf(part.etag, part.crc32)), copied: part.size };
}

export function copyObject(call: Call): S3Answer {
  const source = sourceOf(call);
  if (source === undefined) return noSuchSource();
  const { size, crc32 } = join(source.extents);
  if (size > MAX_COPY_BYTES) return tooLarge();
  const etag = newEtag();
  call.store.objects.set(call.path, { etag, extents: [{ size, crc32 }] });
  return { ...xml('CopyObjectResult', resultOf(etag, crc32)), copied: size, isObject: true };
}

function sourceOf({ store, request }: Call): SinkObject | undefined {
  const source = decodeURIComponent(String(request.headers['x-amz-copy-source'])).replace(/^\//, '');
  const object = store.objects.get(source);
  const etag = request.headers['x-amz-copy-source-if-match'];
  return etag === undefined || etag === object?.etag ? object : undefined;
}

/** All of it without a header; undefined when the header does not name bytes of the source. */
function rangeOf(header: string | string[] | undefined, size: number) {
  if (header === undefined) return { start: 0, end: size };
  const range = parseRange(header);
  return range !== undefined && range.start < range.end && range.end <= size ? range : undefined;
}

function resultOf(etag: string, crc32: number | undefined): Record<string, string> {
  return {
    LastModified: new Date().toISOString(),
    ETag: etag,
    ...(crc32 === undefined ? {} : { ChecksumCRC32: encodeCrc32(crc32) }),
  };
}

const noSuchSource = () => refused(404, 'NoSuchKey', 'The source of the copy does not exist');

const tooLarge = () => refused(400, 'InvalidRequest', 'The source of a copy may have at most 5 GiB');
