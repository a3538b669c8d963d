import { checkCopySourceConditions, checkWriteConditions } from './conditions.ts';
import { invalidArgument, invalidRequest, noSuchKey, notImplemented } from './errors.ts';
import { type Call, xmlReply } from './objects.ts';
import { MAX_SINGLE_SIZE } from './payload.ts';
import type { S3Request } from './request.ts';
import { attributesOf, contentEtag, fullObjectChecksum, type Store, StoredObject } from './store.ts';
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
export function copiedRange(request: S3Request, source: StoredObject) {
  const header = request.header('x-amz-copy-source-range');
  const range = header === undefined ? undefined : wholeRange(header, source.size);
  const size = range === undefined ? source.size : range.end - range.start;
  if (size > MAX_SINGLE_SIZE) throw tooLargeToCopy();
  if (range === undefined || size === source.size)
    return { size, crc32: source.crc32, content: source.content };
  return { size, crc32: undefined, content: source.body.subarray(range.start, range.end) };
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
  const directive = request.header('x-amz-metadata-directive') ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw invalidArgument('x-amz-metadata-directive', directive, 'Unknown metadata directive.');
  }
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
    key,
    size: source.size,
    // A copy is written in one piece, so the ETag of a multipart source is not kept.
    etag: source.content === undefined ? source.etag : contentEtag(source.content),
    crc32: source.crc32,
    checksum: hasChecksum ? fullObjectChecksum(source.crc32) : undefined,
    partCount: undefined,
    content: source.content,
  });
  bucket.objects.set(key, copy);
  return xmlReply(
    document('CopyObjectResult', [
      element('LastModified', copy.lastModified.toISOString()),
      element('ETag', copy.etag),
      optional('ChecksumCRC32', copy.checksum?.value),
      optional('ChecksumType', copy.checksum?.type),
    ]),
  );
}
