import { encodeCrc32 } from './checksums.ts';
import { checkCopySourceConditions, checkWriteConditions } from './conditions.ts';
import { type Content, md5OfCopy, sliceContent } from './content.ts';
import { invalidArgument, invalidRequest, noSuchKey, notImplemented } from './errors.ts';
import { type Call, xmlReply } from './objects.ts';
import { MAX_SINGLE_SIZE } from './payload.ts';
import type { S3Request } from './request.ts';
import { attributesOf, fullObjectChecksum, quoted, type Store, StoredObject, tagsOf } from './store.ts';
import { document, element, optional } from './xml.ts';

/** The object that x-amz-copy-source names, its conditions met. */
export function copySource(request: S3Request, store: Store): { path: string; object: StoredObject } {
  const header = request.header('x-amz-copy-source') ?? '';
  // Servers differ on a raw "+" (a plus to one, a space to another), so this one insists on encoding.
  if (!/^(?:[\w.~!$'()*,;:@&=/-]|%[0-9a-fA-F]{2})+$/.test(header)) {
    throw invalidArgument('x-amz-copy-source', header, 'Copy Source must be URL-encoded: bucket/key');
  }
  const path = decodeURIComponent(header).replace(/^\//, '');
  const slash = path.indexOf('/');
  if (slash <= 0 || slash === path.length - 1) {
    throw invalidArgument('x-amz-copy-source', header, 'Copy Source must mention the source bucket and key');
  }
  const key = path.slice(slash + 1);
  const object = store.bucket(path.slice(0, slash)).objects.get(key);
  if (object === undefined) throw noSuchKey(key);
  checkCopySourceConditions(request, object);
  return { path, object };
}

/** The content that an UploadPartCopy takes: all of the source, or the bytes that its range names. */
export function copiedRange(request: S3Request, source: StoredObject): Content {
  const header = request.header('x-amz-copy-source-range');
  const { start, end } =
    header === undefined ? { start: 0, end: source.size } : wholeRange(header, source.size);
  if (end - start > MAX_SINGLE_SIZE) throw tooLargeToCopy();
  return sliceContent(source, start, end);
}

/** The checksum in the answer to a copy: none where the store does not tell it, or where nobody knows it. */
export function toldCopyChecksum({ options }: Store, crc: number | undefined): string | undefined {
  return crc === undefined || options.lacks.has('copy-checksums') ? undefined : encodeCrc32(crc);
}

/** Unlike Range, this one needs both ends, and both within the source. */
function wholeRange(header: string, size: number) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first)) {
    throw invalidArgument(
      'x-amz-copy-source-range',
      header,
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the ' +
        'zero-based offsets of the first and last bytes to copy',
    );
  }
  if (Number(last) >= size) {
    throw invalidArgument(
      'x-amz-copy-source-range',
      header,
      `Range specified is not valid for source object of size: ${size}`,
    );
  }
  return { start: Number(first), end: Number(last) + 1 };
}

const tooLargeToCopy = () =>
  invalidRequest(
    `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_SINGLE_SIZE}`,
  );

export async function copyObject({ request, store, bucket, key }: Call) {
  const { path, object: source } = copySource(request, store);
  const directive = directiveOf(request, 'metadata');
  const taggingDirective = directiveOf(request, 'tagging');
  if (source.size > MAX_SINGLE_SIZE) throw tooLargeToCopy();
  if (path === `${request.bucket}/${key}` && directive === 'COPY') {
    throw invalidRequest(
      'This copy request is illegal because it is trying to copy an object to itself without changing the ' +
        "object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const algorithm = request.header('x-amz-checksum-algorithm');
  if (algorithm !== undefined && algorithm !== 'CRC32') throw notImplemented(`checksums by ${algorithm}`);
  checkWriteConditions(request, key, bucket.objects.get(key));
  const hasChecksum = algorithm !== undefined || source.checksum !== undefined;
  const copy = new StoredObject({
    ...(directive === 'COPY' ? source : attributesOf(request)),
    tags: taggingDirective === 'COPY' ? source.tags : tagsOf(request),
    key,
    size: source.size,
    crc32: source.crc32,
    content: source.content,
    // A copy is written in one piece, so the ETag of a multipart source is not kept.
    etag: quoted(md5OfCopy(source, '', source)),
    checksum: hasChecksum ? fullObjectChecksum(source.crc32) : undefined,
    partCount: undefined,
  });
  bucket.objects.set(key, copy);
  const told = copy.checksum === undefined ? undefined : toldCopyChecksum(store, copy.crc32);
  return xmlReply(
    document('CopyObjectResult', [
      element('LastModified', copy.lastModified.toISOString()),
      element('ETag', copy.etag),
      optional('ChecksumCRC32', told),
      optional('ChecksumType', told === undefined ? undefined : copy.checksum?.type),
    ]),
  );
}

function directiveOf(request: S3Request, name: 'metadata' | 'tagging'): 'COPY' | 'REPLACE' {
  const value = request.header(`x-amz-${name}-directive`) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw invalidArgument(`x-amz-${name}-directive`, value, `Unknown ${name} directive.`);
}
