import type { IncomingMessage } from 'node:http';
import { notImplemented, S3Error } from './errors.ts';

interface Route {
  readonly method: string;
  readonly on: 'bucket' | 'key';
  /** Query parameters that must be there, for instance `uploads`. */
  readonly requires?: readonly string[];
  readonly allows?: readonly string[];
  /** Whether x-amz-copy-source must be there or must not. */
  readonly copies?: boolean;
}

const PAGING = ['encoding-type', 'prefix', 'delimiter'];

const ROUTES = {
  CreateBucket: { method: 'PUT', on: 'bucket' },
  HeadBucket: { method: 'HEAD', on: 'bucket' },
  DeleteBucket: { method: 'DELETE', on: 'bucket' },
  DeleteObjects: { method: 'POST', on: 'bucket', requires: ['delete'] },
  ListObjectsV2: {
    method: 'GET',
    on: 'bucket',
    requires: ['list-type'],
    allows: [...PAGING, 'max-keys', 'continuation-token', 'start-after', 'fetch-owner'],
  },
  ListMultipartUploads: {
    method: 'GET',
    on: 'bucket',
    requires: ['uploads'],
    allows: [...PAGING, 'key-marker', 'upload-id-marker', 'max-uploads'],
  },
  PutObject: { method: 'PUT', on: 'key', copies: false },
  CopyObject: { method: 'PUT', on: 'key', copies: true },
  GetObject: { method: 'GET', on: 'key' },
  GetObjectTagging: { method: 'GET', on: 'key', requires: ['tagging'] },
  HeadObject: { method: 'HEAD', on: 'key' },
  DeleteObject: { method: 'DELETE', on: 'key' },
  CreateMultipartUpload: { method: 'POST', on: 'key', requires: ['uploads'] },
  UploadPart: { method: 'PUT', on: 'key', requires: ['uploadId', 'partNumber'], copies: false },
  UploadPartCopy: { method: 'PUT', on: 'key', requires: ['uploadId', 'partNumber'], copies: true },
  CompleteMultipartUpload: { method: 'POST', on: 'key', requires: ['uploadId'] },
  AbortMultipartUpload: { method: 'DELETE', on: 'key', requires: ['uploadId'] },
  ListParts: {
    method: 'GET',
    on: 'key',
    requires: ['uploadId'],
    allows: ['max-parts', 'part-number-marker', 'encoding-type'],
  },
} as const satisfies Readonly<Record<string, Route>>;

export type Operation = keyof typeof ROUTES;

export interface S3Request {
  /** Undefined for what this server does not know. */
  readonly operation: Operation | undefined;
  readonly method: string;
  /** The path as it came, still encoded. */
  readonly path: string;
  readonly bucket: string;
  readonly key: string | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly raw: IncomingMessage;
  header(name: string): string | undefined;
}

/** Takes the target apart by hand: `new URL()` would resolve the dots of a key such as `a/../b`. */
export function parseRequest(raw: IncomingMessage): S3Request {
  const target = raw.url ?? '/';
  const method = raw.method ?? 'GET';
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = Object.fromEntries(new URLSearchParams(question < 0 ? '' : target.slice(question + 1)));
  const slash = path.indexOf('/', 1);
  const bucket = decodeUri(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const key = slash < 0 || slash === path.length - 1 ? undefined : decodeUri(path.slice(slash + 1));
  const header = (name: string) => {
    const value = raw.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const isCopy = header('x-amz-copy-source') !== undefined;
  return {
    operation: route(method, key === undefined ? 'bucket' : 'key', Object.keys(query), isCopy),
    ...{ method, path, bucket, key, query, raw, header },
  };
}

/** A parameter that a route does not know makes the request unknown, so that no test passes on an ignored one. */
function route(method: string, on: Route['on'], given: readonly string[], isCopy: boolean) {
  const operations = Object.entries(ROUTES) as [Operation, Route][];
  return operations.find(([, { requires = [], allows = [], ...entry }]) => {
    const known = ['x-id', ...requires, ...allows];
    return (
      entry.method === method &&
      entry.on === on &&
      (entry.copies === undefined || entry.copies === isCopy) &&
      requires.every((name) => given.includes(name)) &&
      given.every((name) => known.includes(name))
    );
  })?.[0];
}

/** As it came when it cannot be decoded; `checkRequest` refuses such a path. */
function decodeUri(text: string): string {
  return isDecodable(text) ? decodeURIComponent(text) : text;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** What every request must satisfy before its operation is looked at. */
export function checkRequest(request: S3Request): void {
  const authorization = request.header('authorization');
  if (authorization === undefined) throw new S3Error(403, 'AccessDenied', 'Access Denied');
  const form =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[^/]+\/s3\/aws4_request, ?SignedHeaders=[\w;-]+, ?Signature=[0-9a-f]{64}$/;
  if (!form.test(authorization)) {
    throw new S3Error(
      400,
      'AuthorizationHeaderMalformed',
      'The authorization header that you provided is not valid.',
    );
  }
  if (!isDecodable(request.path)) {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
  if (request.operation === undefined) {
    throw notImplemented(
      `${request.method} with the parameters ${Object.keys(request.query).join(', ') || 'none'}`,
    );
  }
  if (request.key !== undefined && Buffer.byteLength(request.key) > 1024) {
    throw new S3Error(400, 'KeyTooLongError', 'Your key is too long', {
      Size: String(Buffer.byteLength(request.key)),
      MaxSizeAllowed: '1024',
    });
  }
}
