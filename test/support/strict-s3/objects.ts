import type { AccessCheck } from './access.ts';
import { checkReadConditions, checkWriteConditions } from './conditions.ts';
import { readContent } from './content.ts';
import { invalidRequest, malformedXml, noSuchKey, S3Error } from './errors.ts';
import { readPayload } from './payload.ts';
import type { S3Request } from './request.ts';
import {
  attributesOf,
  type Bucket,
  fullObjectChecksum,
  type ObjectChecksum,
  quoted,
  type Store,
  StoredObject,
} from './store.ts';
import { childText, document, element, parseXml } from './xml.ts';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The Content-Length of a HEAD, which has no body to tell it. */
  readonly size?: number;
}

/** What an operation works on. */
export interface Call {
  readonly request: S3Request;
  readonly store: Store;
  readonly bucket: Bucket;
  readonly key: string;
  readonly access: AccessCheck;
}

export const xmlReply = (body: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/xml', ...headers },
  body,
});

export function checksumHeaders(checksum: ObjectChecksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return { 'x-amz-checksum-crc32': checksum.value, 'x-amz-checksum-type': checksum.type };
}

export async function putObject({ request, store, bucket, key }: Call): Promise<Reply> {
  const attributes = attributesOf(request);
  const payload = await readPayload(request.raw, { keepBody: !store.options.discard });
  checkWriteConditions(request, key, bucket.objects.get(key));
  const object = new StoredObject({
    ...attributes,
    key,
    size: payload.size,
    etag: quoted(payload.md5),
    crc32: payload.crc32,
    checksum: payload.checksum?.algorithm === 'crc32' ? fullObjectChecksum(payload.crc32) : undefined,
    content: payload.body,
  });
  bucket.objects.set(key, object);
  return { status: 200, headers: { etag: object.etag, ...checksumHeaders(object.checksum) } };
}

export async function readObject({ request, bucket, key }: Call): Promise<Reply> {
  const object = bucket.objects.get(key);
  if (object === undefined) throw noSuchKey(key);
  const { etag, lastModified, size } = object;
  const base = { etag, 'last-modified': lastModified.toUTCString() };
  if (checkReadConditions(request, object) === 'not-modified') return { status: 304, headers: base };

  const range = parseRange(request.header('range'), size);
  const wantsChecksum = request.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
  const headers: Record<string, string> = {
    ...base,
    ...object.systemHeaders,
    'content-type': object.contentType,
    'accept-ranges': 'bytes',
    ...(wantsChecksum && range === undefined ? checksumHeaders(object.checksum) : {}),
  };
  const tagCount = Object.keys(object.tags).length;
  if (tagCount > 0) headers['x-amz-tagging-count'] = String(tagCount);
  for (const [name, value] of Object.entries(object.metadata)) headers[`x-amz-meta-${name}`] = value;
  if (range !== undefined) headers['content-range'] = `bytes ${range.start}-${range.end - 1}/${size}`;

  const { start, end } = range ?? { start: 0, end: size };
  const status = range === undefined ? 200 : 206;
  if (request.method === 'HEAD') return { status, headers, size: end - start };
  return { status, headers, body: readContent(key, object, start, end) };
}

export async function getObjectTagging({ bucket, key }: Call): Promise<Reply> {
  const object = bucket.objects.get(key);
  if (object === undefined) throw noSuchKey(key);
  const tags = Object.entries(object.tags).map(([name, value]) =>
    element('Tag', [element('Key', name), element('Value', value)]),
  );
  return xmlReply(document('Tagging', [element('TagSet', tags)]));
}

/** A range that cannot be understood is ignored, as RFC 9110 section 14.2 has it; one beyond the end is 416. */
export function parseRange(header: string | undefined, size: number) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (start < end) return { start, end };
  throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
    RangeRequested: header ?? '',
    ActualObjectSize: String(size),
  });
}

export async function deleteObject({ request, bucket, key }: Call): Promise<Reply> {
  if (request.header('if-match') !== undefined) checkWriteConditions(request, key, bucket.objects.get(key));
  bucket.objects.delete(key);
  return { status: 204 };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export async function deleteObjects({ request, store, bucket, access }: Call): Promise<Reply> {
  const payload = await readPayload(request.raw, { keepBody: true });
  const isVerified = payload.checksum !== undefined || request.header('content-md5') !== undefined;
  if (!isVerified && !store.options.lacks.has('checksums')) {
    throw invalidRequest('Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  const root = parseXml(payload.body?.toString('utf8') ?? '');
  const entries = root?.children.filter((child) => child.name === 'Object') ?? [];
  const keys = entries.map((entry) => childText(entry, 'Key'));
  if (root?.name !== 'Delete' || keys.length === 0 || keys.length > 1000) throw malformedXml();

  const isQuiet = childText(root, 'Quiet') === 'true';
  const results = keys.map((key) => {
    if (key === undefined || key === '') throw malformedXml();
    if (Buffer.byteLength(key) > 1024) {
      return element('Error', [element('Key', key), element('Code', 'KeyTooLongError')]);
    }
    if (!access.mayDelete(key)) {
      return element('Error', [element('Key', key), element('Code', 'AccessDenied')]);
    }
    bucket.objects.delete(key);
    return isQuiet ? '' : element('Deleted', [element('Key', key)]);
  });
  return xmlReply(document('DeleteResult', results));
}
