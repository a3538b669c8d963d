import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { decodeAwsChunked } from './aws-chunked.ts';
import { type DeclaredChecksum, Digest, declaredChecksum } from './checksums.ts';
import { invalidArgument, invalidRequest, notImplemented, S3Error } from './errors.ts';

export const GIB = 1024 ** 3;
/** The most that one PutObject, UploadPart or copy may carry. */
export const MAX_SINGLE_SIZE = 5 * GIB;

export interface Payload {
  readonly size: number;
  readonly md5: string;
  readonly crc32: number;
  readonly checksum: DeclaredChecksum | undefined;
  /** Undefined when bodies are discarded. */
  readonly body: Buffer | undefined;
}

export interface PayloadOptions {
  readonly keepBody: boolean;
  /** False where x-amz-checksum-* speaks of something other than this body (CompleteMultipartUpload). */
  readonly checksumIsOfBody?: boolean;
}

/** Reads a request body to its end and verifies all that the request claims about it. */
export async function readPayload(request: IncomingMessage, options: PayloadOptions): Promise<Payload> {
  const { headers } = request;
  const contentSha256 = checkContentSha256(headers);
  const isChunked = contentSha256.startsWith('STREAMING-');
  const expectedSize = announcedSize(headers, isChunked);
  const trailerNames = (single(headers, 'x-amz-trailer') ?? '').split(',').filter((name) => name !== '');
  const sha256Hex = /^[0-9a-f]{64}$/.test(contentSha256) ? contentSha256 : undefined;
  const checksumIsOfBody = options.checksumIsOfBody ?? true;
  const inHeader = checksumIsOfBody ? declaredChecksum(headers) : undefined;
  const algorithms = [
    inHeader?.algorithm,
    ...trailerNames.map((name) => name.replace('x-amz-checksum-', '')),
  ];
  if (sha256Hex !== undefined) algorithms.push('sha256');

  const digest = new Digest(algorithms.filter((name) => ['sha1', 'sha256'].includes(name ?? '')) as string[]);
  const trailers: Record<string, string> = {};
  const chunks: Buffer[] = [];
  // An early exit must leave the connection alive, for the error to be answered on it.
  const source: AsyncIterableIterator<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of isChunked ? decodeAwsChunked(source, trailers) : source) {
    digest.update(chunk);
    if (digest.size > expectedSize) break;
    if (options.keepBody) chunks.push(chunk);
  }
  if (digest.size !== expectedSize) {
    throw new S3Error(
      400,
      'IncompleteBody',
      'You did not provide the number of bytes specified by the Content-Length HTTP header',
    );
  }

  const missing = trailerNames.filter((name) => trailers[name.trim()] === undefined);
  if (missing.length > 0) {
    throw new S3Error(
      400,
      'MalformedTrailerError',
      `The request contained no trailer ${missing.join(', ')}.`,
    );
  }
  const inTrailer = checksumIsOfBody && trailerNames.length > 0;
  const checksum = inHeader ?? (inTrailer ? declaredChecksum(trailers) : undefined);
  const announced = single(headers, 'x-amz-sdk-checksum-algorithm');
  if (checksumIsOfBody && announced !== undefined && checksum?.algorithm !== announced.toLowerCase()) {
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  digest.verify(checksum, single(headers, 'content-md5'), sha256Hex);
  const body = options.keepBody ? Buffer.concat(chunks) : undefined;
  return { size: digest.size, md5: digest.md5, crc32: digest.crc32, checksum, body };
}

function checkContentSha256(headers: IncomingHttpHeaders): string {
  const value = single(headers, 'x-amz-content-sha256');
  if (value === undefined) {
    throw invalidRequest('Missing required header for this request: x-amz-content-sha256');
  }
  const known = /^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER)$/.test(value);
  if (known || /^STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?$/.test(value)) return value;
  throw invalidArgument(
    'x-amz-content-sha256',
    value,
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, ' +
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD or a valid sha256 value.',
  );
}

function announcedSize(headers: IncomingHttpHeaders, isChunked: boolean): number {
  if (!isChunked && headers['transfer-encoding'] !== undefined) throw notImplemented('Transfer-Encoding');
  const name = isChunked ? 'x-amz-decoded-content-length' : 'content-length';
  const value = single(headers, name);
  if (value === undefined) {
    throw new S3Error(411, 'MissingContentLength', `You must provide the ${name} HTTP header.`);
  }
  const size = Number(value);
  if (size > MAX_SINGLE_SIZE) {
    throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      ProposedSize: value,
      MaxSizeAllowed: String(MAX_SINGLE_SIZE),
    });
  }
  return size;
}

const single = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};
