import { encodeCrc32 } from '../../test/support/strict-s3/checksums.ts';
import {
  type Call,
  declaredCrc32,
  newEtag,
  noSuchUpload,
  refused,
  type S3Answer,
  type S3Request,
} from './call.ts';
import { copyObject, copyPart } from './copy.ts';
import { join } from './extents.ts';
import type { SinkPart, SinkStore } from './store.ts';
import { escapeXml, textsOf, unescapeXml, xml } from './xml.ts';

/**
 * The operations of an upload, by path-style address
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html). Objects can be
 * found and copied; only staging objects can be read; listings are empty, whatever there is.
 */
export function answerS3(store: SinkStore, request: S3Request): S3Answer {
  const { method, url, headers } = request;
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  const call: Call = { store, request, bucket, key, path: `${bucket}/${key}` };
  const has = (name: string) => url.searchParams.has(name);
  if (key === '') return answerBucket(call);
  // Bodies in chunks with a trailer would be measured and checked with their framing.
  if (String(headers['content-encoding'] ?? '').includes('aws-chunked')) {
    return refused(501, 'NotImplemented', 'The sink takes no aws-chunked bodies');
  }
  const isCopy = headers['x-amz-copy-source'] !== undefined;
  switch (method) {
    case 'HEAD':
      return headObject(call);
    case 'GET':
      return getObject(call);
    case 'DELETE':
      return has('uploadId') ? abortUpload(call) : deleteObject(call);
    case 'PUT':
      if (has('partNumber')) return isCopy ? copyPart(call) : putPart(call);
      return isCopy ? copyObject(call) : putObject(call);
    case 'POST':
      if (has('uploads')) return createUpload(call);
      if (has('uploadId')) return completeUpload(call);
  }
  return refused(501, 'NotImplemented', 'The sink keeps no bytes to read');
}

function answerBucket({ store, request, bucket }: Call): S3Answer {
  const query = request.url.searchParams;
  if (request.method === 'POST' && query.has('delete')) {
    const keys = textsOf(request.text, 'Key').map(unescapeXml);
    for (const key of keys) store.objects.delete(`${bucket}/${key}`);
    return xml('DeleteResult', ...keys.map((key) => `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`));
  }
  if (request.method !== 'GET') return { status: 200 };
  const prefix = query.get('prefix') ?? '';
  return xml('ListBucketResult', { Name: bucket, Prefix: prefix, KeyCount: '0', IsTruncated: 'false' });
}

function headObject({ store, path }: Call): S3Answer {
  const object = store.objects.get(path);
  if (object === undefined) return { status: 404 };
  const { size, crc32 } = join(object.extents);
  const headers = {
    etag: object.etag,
    'content-length': String(size),
    'last-modified': new Date(0).toUTCString(),
    ...checksumHeader(crc32),
  };
  return { status: 200, headers };
}

/** Of staging objects only: of the others nothing is kept. */
function getObject({ store, request, path }: Call): S3Answer {
  const object = store.objects.get(path);
  if (object === undefined) return refused(404, 'NoSuchKey', 'There is no such object');
  const { kept, etag } = object;
  if (kept === undefined) return refused(501, 'NotImplemented', 'The sink keeps no bytes to read');
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(String(request.headers.range)) ?? [];
  const body = kept.subarray(Number(first), last === '' ? kept.length : Number(last) + 1);
  const range = { 'content-range': `bytes ${first}-${Number(first) + body.length - 1}/${kept.length}` };
  return { status: last === '' ? 200 : 206, headers: { etag, ...(last === '' ? {} : range) }, body };
}

function putObject({ store, request, path }: Call): S3Answer {
  const { body, kept } = request;
  const declared = declaredCrc32(request.headers);
  if (contradicts(declared, body.crc32)) return badDigest();
  const etag = newEtag();
  store.objects.set(path, { etag, extents: [body], kept });
  return {
    status: 200,
    headers: { etag, ...checksumHeader(declared) },
    payload: body.size,
    isObject: true,
  };
}

function putPart({ store, request, path }: Call): S3Answer {
  const query = request.url.searchParams;
  const { headers, body } = request;
  const upload = store.upload(query.get('uploadId'), path);
  if (upload === undefined) return noSuchUpload();
  const declared = declaredCrc32(headers);
  if (contradicts(declared, body.crc32)) return badDigest();
  const part = { ...body, etag: newEtag() };
  upload.parts.set(Number(query.get('partNumber')), part);
  return { status: 200, headers: { etag: part.etag, ...checksumHeader(declared) }, payload: part.size };
}

function createUpload({ store, bucket, key, path }: Call): S3Answer {
  const { id } = store.createUpload(path);
  const body = xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id });
  const headers = { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' };
  return { ...body, headers: { ...body.headers, ...headers } };
}

/** The object is made of the parts that the request names, which must be there with the ETags that they got. */
function completeUpload({ store, request, bucket, key, path }: Call): S3Answer {
  const { url, headers, text } = request;
  const upload = store.upload(url.searchParams.get('uploadId'), path);
  if (upload === undefined) return noSuchUpload();
  const parts: SinkPart[] = [];
  for (const entry of textsOf(text, 'Part')) {
    const part = upload.parts.get(Number(textsOf(entry, 'PartNumber')[0]));
    const etag = unescapeXml(textsOf(entry, 'ETag')[0] ?? '');
    if (part === undefined || part.etag !== etag) return refused(400, 'InvalidPart', 'No such part');
    parts.push(part);
  }
  const { size, crc32 } = join(parts);
  const expectedSize = headers['x-amz-mp-object-size'];
  if (expectedSize !== undefined && Number(expectedSize) !== size) {
    return refused(400, 'InvalidRequest', `The object has ${size} bytes, not ${expectedSize}`);
  }
  const declared = declaredCrc32(headers);
  if (contradicts(declared, crc32)) return badDigest();
  const etag = newEtag();
  store.uploads.delete(upload.id);
  store.objects.set(path, { etag, extents: parts.map(({ size, crc32 }) => ({ size, crc32 })) });
  const known = declared ?? crc32;
  const result = {
    Location: url.pathname,
    Bucket: bucket,
    Key: key,
    ETag: etag,
    ...(known === undefined ? {} : { ChecksumCRC32: encodeCrc32(known), ChecksumType: 'FULL_OBJECT' }),
  };
  return { ...xml('CompleteMultipartUploadResult', result), isObject: true };
}

function abortUpload({ store, request, path }: Call): S3Answer {
  const upload = store.upload(request.url.searchParams.get('uploadId'), path);
  if (upload === undefined) return noSuchUpload();
  store.uploads.delete(upload.id);
  return { status: 204 };
}

function deleteObject({ store, path }: Call): S3Answer {
  store.objects.delete(path);
  return { status: 204 };
}

/** A sink that does not verify knows only what was declared, which never contradicts itself within a request. */
function contradicts(declared: number | undefined, actual: number | undefined): boolean {
  return declared !== undefined && actual !== undefined && declared !== actual;
}

function checksumHeader(crc32: number | undefined): Record<string, string> {
  return crc32 === undefined ? {} : { 'x-amz-checksum-crc32': encodeCrc32(crc32) };
}

const badDigest = () => refused(400, 'BadDigest', 'The CRC32 that was declared is not that of the bytes');
