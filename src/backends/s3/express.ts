import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/core/serde';
import { discard, type ExpressCall } from '../../aws/express-lane.ts';

type Headers = Record<string, string>;

/** Which member of an input is which header (Amazon S3 API, PutObject, UploadPart and GetObject). */
const PUT_HEADERS: Readonly<Record<string, string>> = {
  CacheControl: 'cache-control',
  ChecksumAlgorithm: 'x-amz-sdk-checksum-algorithm',
  ChecksumCRC32: 'x-amz-checksum-crc32',
  ContentDisposition: 'content-disposition',
  ContentEncoding: 'content-encoding',
  ContentLanguage: 'content-language',
  ContentType: 'content-type',
  IfMatch: 'if-match',
  IfNoneMatch: 'if-none-match',
};
const PART_HEADERS: Readonly<Record<string, string>> = { ChecksumCRC32: 'x-amz-checksum-crc32' };
const GET_HEADERS: Readonly<Record<string, string>> = { IfMatch: 'if-match', Range: 'range' };

/** Longest range that is read in one piece, in bytes: nothing that is read ahead for a client is longer. */
const MAX_WHOLE_BYTES = 4 * 1024 * 1024;

/** Members that are written otherwise. */
const ELSEWHERE = new Set(['Bucket', 'Key', 'Body', 'ContentLength', 'Metadata']);

/** What uploads are made of, and downloads of large files. */
export const S3_EXPRESS_CALLS: ReadonlyMap<unknown, ExpressCall> = new Map<unknown, ExpressCall>([
  [
    PutObjectCommand,
    {
      placeOf: ({ Bucket }) => String(Bucket),
      write: (input) => {
        const { Key, Metadata } = input;
        const headers = toHeaders(input, PUT_HEADERS);
        const body = toBody(input);
        if (headers === undefined || body === undefined) return undefined;
        headers['content-type'] ??= 'application/octet-stream';
        headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
        for (const [name, value] of Object.entries((Metadata ?? {}) as Headers))
          headers[`x-amz-meta-${name.toLowerCase()}`] = value;
        return { path: toPath(Key), headers, body };
      },
      read: async (response) => {
        discard(response);
        return { ETag: response.headers['etag'], VersionId: response.headers['x-amz-version-id'] };
      },
    },
  ],
  [
    UploadPartCommand,
    {
      placeOf: ({ Bucket }) => String(Bucket),
      write: ({ UploadId, PartNumber, ...input }) => {
        const headers = toHeaders(input, PART_HEADERS);
        const body = toBody(input);
        if (headers === undefined || body === undefined) return undefined;
        return {
          path: toPath(input['Key']),
          query: { partNumber: String(PartNumber), uploadId: String(UploadId) },
          headers: {
            ...headers,
            'content-type': 'application/octet-stream',
            'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
          },
          body,
        };
      },
      read: async (response) => {
        discard(response);
        return { ETag: response.headers['etag'] };
      },
    },
  ],
  [
    GetObjectCommand,
    {
      placeOf: ({ Bucket }) => String(Bucket),
      write: (input) => {
        const headers = toHeaders(input, GET_HEADERS);
        // Of a whole object the SDK's answer can do more.
        if (headers?.['range'] === undefined) return undefined;
        const wholeBytes = lengthOf(headers['range']);
        return {
          path: toPath(input['Key']),
          headers,
          ...(wholeBytes <= MAX_WHOLE_BYTES ? { wholeBytes } : {}),
        };
      },
      read: async ({ headers, body }) => ({
        Body: sdkStreamMixin(body instanceof Uint8Array ? Readable.from([body]) : body),
        ETag: headers['etag'],
        ContentLength:
          headers['content-length'] === undefined ? undefined : Number(headers['content-length']),
      }),
    },
  ],
]);

/** Undefined when it is still to come. */
function toBody({ Body, ContentLength }: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  return Body instanceof Uint8Array && Body.length === ContentLength ? Body : undefined;
}

/** Undefined when there is a member that is no header here. */
function toHeaders(
  input: Readonly<Record<string, unknown>>,
  names: Readonly<Record<string, string>>,
): Headers | undefined {
  const headers: Headers = {};
  for (const [member, value] of Object.entries(input)) {
    if (value === undefined || ELSEWHERE.has(member)) continue;
    const name = names[member];
    if (name === undefined || typeof value !== 'string') return undefined;
    headers[name] = value;
  }
  return headers;
}

/** Bytes of a range; Infinity when it has no end. */
function lengthOf(range: string): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  return last === undefined ? Number.POSITIVE_INFINITY : Number(last) - Number(first) + 1;
}

/** A key as the SDK writes it into a path: RFC 3986, slash by slash. */
function toPath(key: unknown): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `/${String(key).split('/').map(encode).join('/')}`;
}
