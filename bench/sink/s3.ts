import { encodeCrc32 } from '../../test/support/strict-s3/checksums.ts';
import {
  type Call,
  declaredCrc32,
  LAST_MODIFIED,
  newEtag,
  noSuchUpload,
  refused,
  type S3Answer,
  type S3Request,
} from './call.ts';
import { copyObject, copyPart } from './copy.ts';
import { join } from './extents.ts';
import { getObject, listObjects } from './read.ts';
import type { SinkPart, SinkStore } from './store.ts';
import { escapeXml, textsOf, unescapeXml, xml } from './xml.ts';

/** By the names of S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html). */
const OPERATIONS = {
  HeadBucket: () => ({ status: 200 }),
  ListObjectsV2: listObjects,
  DeleteObjects: deleteObjects,
  HeadObject: headObject,
  GetObject: getObject,
  DeleteObject: deleteObject,
  AbortMultipartUpload: abortUpload,
  UploadPart: putPart,
  UploadPartCopy: copyPart,
  PutObject: putObject,
  CopyObject: copyObject,
  CreateMultipartUpload: createUpload,
  CompleteMultipartUpload: completeUpload,
} satisfies Readonly<Record<string, (call: Call) => S3Answer>>;

export type Operation = keyof typeof OPERATIONS;

/**
 * The operations of uploads and downloads, by path-style address. Objects can be found and copied; only staging objects
 * and those that are made up can be read, and only the latter are listed.
 */
export function answerS3(store: SinkStore, request: S3Request): S3Answer {
  const { url, headers } = request;
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  const operation = key === '' ? bucketOperation(request) : objectOperation(request);
  // Bodies in chunks with a trailer would be measured and checked with their framing.
  const isChunked = String(headers['content-encoding'] ?? '').includes('aws-chunked');
  if (operation === undefined || isChunked) {
    return refused(501, 'NotImplemented', 'The sink has no such operation, and takes no aws-chunked bodies');
  }
  const answer = OPERATIONS[operation]({ store, request, bucket, key, path: `${bucket}/${key}` });
  return { ...answer, operation };
}

function bucketOperation({ method, url }: S3Request): Operation {
  if (method === 'POST' && url.searchParams.has('delete')) return 'DeleteObjects';
  return method === 'GET' ? 'ListObjectsV2' : 'HeadBucket';
}

function objectOperation({ method, url, headers }: S3Request): Operation | undefined {
  const has = (name: string) => url.searchParams.has(name);
  const isCopy = headers['x-amz-copy-source'] !== undefined;
  switch (method) {
    case 'HEAD':
      return 'HeadObject';
    case 'GET':
      return 'GetObject';
    case 'DELETE':
      return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'PUT':
      if (has('partNumber')) return isCopy ? 'UploadPartCopy' : 'UploadPart';
      return isCopy ? 'CopyObject' : 'PutObject';
    case 'POST':
      if (has('uploads')) return 'CreateMultipartUpload';
      return has('uploadId') ? 'CompleteMultipartUpload' : undefined;
  }
  return undefined;
}

function deleteObjects({ store, request, bucket }: Call): S3Answer {
  const keys = textsOf(request.text, 'Key').map(unescapeXml);
  for (const key of keys) store.objects.delete(`${bucket}/${key}`);
  return xml('DeleteResult', ...keys.map((key) => `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`));
}

function headObject({ store, path }: Call): S3Answer {
  const object = store.objects.get(path);
  if (object === undefined) return { status: 404 };
  const { size, crc32 } = join(object.extents);
  const headers = {
    etag: object.etag,
    'content-length': String(size),
    'last-modified': LAST_MODIFIED.toUTCString(),
    ...checksumHeader(crc32),
  };
  return { status: 200, headers };
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
