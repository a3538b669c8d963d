import { encodeCrc32 } from './checksums.ts';
import { invalidArgument, notImplemented } from './errors.ts';
import { openUpload } from './multipart.ts';
import { type Call, type Reply, xmlReply } from './objects.ts';
import type { S3Request } from './request.ts';
import { compareBytes, type OpenUpload, type Part, type StoredObject, sortByBytes } from './store.ts';
import { document, element, optional } from './xml.ts';

const MAX_PAGE = 1000;

function limitOf(request: S3Request, name: string): number {
  const text = request.query[name];
  if (text === undefined) return MAX_PAGE;
  if (!/^\d{1,10}$/.test(text))
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  return Math.min(Number(text), MAX_PAGE);
}

/** How names are written in the answer: plain, or with encoding-type=url as S3 does it ("+" for a space). */
function encoderOf(request: S3Request): (name: string) => string {
  const type = request.query['encoding-type'];
  if (type === undefined) return (name) => name;
  if (type !== 'url') {
    throw invalidArgument('encoding-type', type, 'Invalid Encoding Method specified in Request');
  }
  const keep: Readonly<Record<string, string>> = { '%20': '+', '%2F': '/' };
  return (name) =>
    encodeURIComponent(name)
      .replace(/%20|%2F/g, (code) => keep[code] ?? code)
      .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Opaque to clients; here the last entry of the page before, so that a page may start at a key since deleted. */
const toToken = (entry: string): string => `1.${Buffer.from(entry).toString('base64')}`;

function fromToken(token: string): string {
  const entry = Buffer.from(token.replace(/^1\./, ''), 'base64').toString();
  if (toToken(entry) === token) return entry;
  throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
}

type Entry = { readonly prefix: string } | { readonly prefix?: never; readonly object: StoredObject };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export async function listObjectsV2({ request, bucket }: Call): Promise<Reply> {
  const { query } = request;
  if (query['list-type'] !== '2') throw notImplemented(`list-type=${query['list-type']}`);
  const encode = encoderOf(request);
  const maxKeys = limitOf(request, 'max-keys');
  const token = query['continuation-token'];
  const startAfter = query['start-after'];
  const prefix = query['prefix'] ?? '';
  const delimiter = query['delimiter'] || undefined;
  const after = token === undefined ? startAfter : fromToken(token);

  const page: Entry[] = [];
  let isTruncated = false;
  let last: string | undefined;
  const from = after !== undefined && compareBytes(after, prefix) > 0 ? after : prefix;
  for (const key of bucket.sortedKeys(from)) {
    if (!key.startsWith(prefix)) break;
    const name = rollUp(key, prefix, delimiter);
    if (name === last || (after !== undefined && compareBytes(name, after) <= 0)) continue;
    isTruncated = page.length === maxKeys && maxKeys > 0;
    if (page.length === maxKeys) break;
    const object = bucket.objects.get(key);
    // A key that ends where the delimiter does is rolled up too: "dir/" is listed as a prefix.
    if (isRolledUp(key, prefix, delimiter)) page.push({ prefix: name });
    else if (object !== undefined) page.push({ object });
    last = name;
  }

  const name = (tag: string, value: string | undefined) =>
    optional(tag, value === undefined ? undefined : encode(value));
  return xmlReply(
    document('ListBucketResult', [
      element('Name', request.bucket),
      element('Prefix', encode(prefix)),
      name('Delimiter', delimiter),
      name('StartAfter', startAfter),
      optional('EncodingType', query['encoding-type']),
      optional('ContinuationToken', token),
      optional('NextContinuationToken', isTruncated && last !== undefined ? toToken(last) : undefined),
      element('MaxKeys', maxKeys),
      element('KeyCount', page.length),
      element('IsTruncated', isTruncated),
      ...page.flatMap((entry) => (entry.prefix === undefined ? [contents(entry.object, encode)] : [])),
      ...page.flatMap((entry) =>
        entry.prefix === undefined
          ? []
          : [element('CommonPrefixes', [element('Prefix', encode(entry.prefix))])],
      ),
    ]),
  );
}

const isRolledUp = (key: string, prefix: string, delimiter: string | undefined): boolean =>
  delimiter !== undefined && key.includes(delimiter, prefix.length);

/** The entry that a key shows up as: itself, or all up to the first delimiter behind the prefix. */
function rollUp(key: string, prefix: string, delimiter: string | undefined): string {
  const at = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
  return delimiter === undefined || at < 0 ? key : key.slice(0, at + delimiter.length);
}

function contents(object: StoredObject, encode: (name: string) => string): string {
  return element('Contents', [
    element('Key', encode(object.key)),
    element('LastModified', object.lastModified.toISOString()),
    element('ETag', object.etag),
    optional('ChecksumAlgorithm', object.checksum?.algorithm),
    optional('ChecksumType', object.checksum?.type),
    element('Size', object.size),
    element('StorageClass', 'STANDARD'),
  ]);
}

/** In the order of keys, and of their beginning within a key. */
export async function listMultipartUploads({ request, bucket }: Call): Promise<Reply> {
  const { query } = request;
  if (query['delimiter'] !== undefined) throw notImplemented('ListMultipartUploads with a delimiter');
  const encode = encoderOf(request);
  const limit = limitOf(request, 'max-uploads');
  const keyMarker = query['key-marker'];
  const idMarker = query['upload-id-marker'];
  const all = sortByBytes([...bucket.uploads.values()], (upload) => upload.key);
  const markerAt = all.findIndex((upload) => upload.key === keyMarker && upload.uploadId === idMarker);
  const rest = all.filter((upload, index) => {
    if (!upload.key.startsWith(query['prefix'] ?? '')) return false;
    if (keyMarker === undefined) return true;
    const order = compareBytes(upload.key, keyMarker);
    return order > 0 || (order === 0 && markerAt >= 0 && index > markerAt);
  });
  const page = rest.slice(0, limit);
  const isTruncated = rest.length > page.length;
  const last = isTruncated ? page.at(-1) : undefined;
  return xmlReply(
    document('ListMultipartUploadsResult', [
      element('Bucket', request.bucket),
      element('KeyMarker', encode(keyMarker ?? '')),
      element('UploadIdMarker', idMarker ?? ''),
      optional('NextKeyMarker', last === undefined ? undefined : encode(last.key)),
      optional('NextUploadIdMarker', last?.uploadId),
      element('Prefix', encode(query['prefix'] ?? '')),
      optional('EncodingType', query['encoding-type']),
      element('MaxUploads', limit),
      element('IsTruncated', isTruncated),
      ...page.map((upload) =>
        element('Upload', [
          element('Key', encode(upload.key)),
          element('UploadId', upload.uploadId),
          element('Initiated', upload.initiated.toISOString()),
          element('StorageClass', 'STANDARD'),
          optional('ChecksumAlgorithm', upload.algorithm),
          optional('ChecksumType', upload.checksumType),
        ]),
      ),
    ]),
  );
}

function toldChecksum({ algorithm }: OpenUpload, { crc32 }: Part): string | undefined {
  return algorithm === undefined || crc32 === undefined ? undefined : encodeCrc32(crc32);
}

export async function listParts(call: Call): Promise<Reply> {
  const { request, key } = call;
  const upload = openUpload(call);
  const limit = limitOf(request, 'max-parts');
  const marker = Number(request.query['part-number-marker'] ?? '0');
  const rest = [...upload.parts.values()]
    .filter((part) => part.partNumber > marker)
    .sort((a, b) => a.partNumber - b.partNumber);
  const page = rest.slice(0, limit);
  return xmlReply(
    document('ListPartsResult', [
      element('Bucket', request.bucket),
      element('Key', encoderOf(request)(key)),
      element('UploadId', upload.uploadId),
      element('PartNumberMarker', marker),
      element('NextPartNumberMarker', page.at(-1)?.partNumber ?? 0),
      element('MaxParts', limit),
      element('IsTruncated', rest.length > page.length),
      element('StorageClass', 'STANDARD'),
      optional('ChecksumAlgorithm', upload.algorithm),
      optional('ChecksumType', upload.checksumType),
      ...page.map((part) =>
        element('Part', [
          element('PartNumber', part.partNumber),
          element('LastModified', part.lastModified.toISOString()),
          element('ETag', part.etag),
          element('Size', part.size),
          optional('ChecksumCRC32', toldChecksum(upload, part)),
        ]),
      ),
    ]),
  );
}
