import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './server.ts';

export interface S3Answer extends Answer {
  /** The request's body was part of an object. */
  readonly isPayload?: boolean;
  /** The request made an object. */
  readonly isObject?: boolean;
}

/**
 * The operations of an upload, by path-style address, answered as by a bucket in which nothing is ever found
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html).
 * Checksums are believed and echoed, not verified.
 */
export function answerS3(method: string, url: URL, headers: IncomingHttpHeaders): S3Answer {
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  const query = url.searchParams;
  if (key === '') return answerBucket(method, bucket, query);
  if (method === 'HEAD') return { status: 404 };
  if (method === 'DELETE') return { status: 204 };
  if (method === 'PUT') {
    const isPart = query.has('partNumber');
    return { status: 200, headers: { ...etag(), ...crc32(headers) }, isPayload: true, isObject: !isPart };
  }
  if (method === 'POST' && query.has('uploads')) {
    const body = xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: randomUUID() });
    return {
      ...body,
      headers: {
        ...body.headers,
        'x-amz-checksum-algorithm': 'CRC32',
        'x-amz-checksum-type': 'FULL_OBJECT',
      },
    };
  }
  if (method === 'POST' && query.has('uploadId')) {
    const checksum = headers['x-amz-checksum-crc32'];
    const result = {
      Location: url.pathname,
      Bucket: bucket,
      Key: key,
      ETag: etag().etag,
      ...(typeof checksum === 'string' ? { ChecksumCRC32: checksum, ChecksumType: 'FULL_OBJECT' } : {}),
    };
    return { ...xml('CompleteMultipartUploadResult', result), isObject: true };
  }
  return xml('Error', { Code: 'NoSuchKey', Message: 'The sink keeps nothing' }, 404);
}

function answerBucket(method: string, bucket: string, query: URLSearchParams): S3Answer {
  if (method !== 'GET') return { status: 200 };
  const prefix = query.get('prefix') ?? '';
  return xml('ListBucketResult', { Name: bucket, Prefix: prefix, KeyCount: '0', IsTruncated: 'false' });
}

function etag(): { readonly etag: string } {
  return { etag: `"${randomBytes(16).toString('hex')}"` };
}

function crc32(headers: IncomingHttpHeaders): Record<string, string> {
  const checksum = headers['x-amz-checksum-crc32'];
  return typeof checksum === 'string' ? { 'x-amz-checksum-crc32': checksum } : {};
}

function xml(root: string, fields: Readonly<Record<string, string>>, status = 200): Answer {
  const inner = Object.entries(fields).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
  const body = `<?xml version="1.0" encoding="UTF-8"?><${root}>${inner.join('')}</${root}>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
