import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Extent } from './extents.ts';
import type { Answer } from './server.ts';
import type { SinkStore } from './store.ts';
import { xml } from './xml.ts';

/** A request whose body has come and gone. */
export interface S3Request {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Of the body: its size, and its CRC32 as computed, or as declared when the sink does not verify. */
  readonly body: Extent;
  /** The body itself, of a POST only. */
  readonly text: string;
  /** The body itself, of an object that will be read again. */
  readonly kept?: Buffer | undefined;
}

export interface S3Answer extends Answer {
  /** Bytes of an object or a part that came with the request. */
  readonly payload?: number;
  /** Bytes that the request copied from elsewhere in the store. */
  readonly copied?: number;
  /** The request made an object. */
  readonly isObject?: boolean;
  /** What it was, where it was anything that the sink knows. */
  readonly operation?: string;
}

/** What one operation works on. */
export interface Call {
  readonly store: SinkStore;
  readonly request: S3Request;
  readonly bucket: string;
  readonly key: string;
  /** Bucket and key. */
  readonly path: string;
}

/** Of every object. */
export const LAST_MODIFIED = new Date(0);

/** As of a multipart upload: no MD5, and nobody (rclone, for one) takes it for one. */
export function newEtag(): string {
  return `"${randomBytes(16).toString('hex')}-1"`;
}

export function refused(status: number, code: string, message: string): S3Answer {
  return xml('Error', { Code: code, Message: message }, status);
}

export const noSuchUpload = () => refused(404, 'NoSuchUpload', 'The upload does not exist');

/** The CRC32 that a request declares for its body, or for the object that it completes. */
export function declaredCrc32(headers: IncomingHttpHeaders): number | undefined {
  const checksum = headers['x-amz-checksum-crc32'];
  return typeof checksum === 'string' ? Buffer.from(checksum, 'base64').readUInt32BE(0) : undefined;
}

/** The bytes that `bytes=FIRST-LAST` names, up to `end`, which is Infinity without a LAST; undefined for anything else. */
export function parseRange(header: string | string[] | undefined) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(String(header)) ?? [];
  if (first === undefined) return undefined;
  return { start: Number(first), end: last === '' ? Number.POSITIVE_INFINITY : Number(last) + 1 };
}
