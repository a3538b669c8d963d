import { randomBytes } from 'node:crypto';
import { encodeCrc32 } from './checksums.ts';
import { md5OfCopy } from './content.ts';
import { copiedRange, copySource, toldCopyChecksum } from './copy.ts';
import { invalidArgument, invalidRequest, noSuchUpload, notImplemented } from './errors.ts';
import { type Call, type Reply, xmlReply } from './objects.ts';
import { readPayload } from './payload.ts';
import { attributesOf, type ChecksumType, type OpenUpload, quoted } from './store.ts';
import { document, element, optional } from './xml.ts';

const MAX_PARTS = 10_000;

export async function createMultipartUpload({ request, bucket, key }: Call): Promise<Reply> {
  const algorithm = request.header('x-amz-checksum-algorithm');
  if (algorithm !== undefined && algorithm !== 'CRC32') throw notImplemented(`checksums by ${algorithm}`);
  const checksumType = checksumTypeOf(request.header('x-amz-checksum-type'), algorithm);
  const upload: OpenUpload = {
    ...attributesOf(request),
    uploadId: randomBytes(24).toString('base64url'),
    key,
    initiated: new Date(),
    algorithm,
    checksumType,
    parts: new Map(),
  };
  bucket.uploads.set(upload.uploadId, upload);
  const headers: Record<string, string> = {};
  if (algorithm !== undefined) headers['x-amz-checksum-algorithm'] = algorithm;
  if (checksumType !== undefined) headers['x-amz-checksum-type'] = checksumType;
  return xmlReply(
    document('InitiateMultipartUploadResult', [
      element('Bucket', request.bucket),
      element('Key', key),
      element('UploadId', upload.uploadId),
    ]),
    headers,
  );
}

function checksumTypeOf(
  header: string | undefined,
  algorithm: 'CRC32' | undefined,
): ChecksumType | undefined {
  if (header === undefined) return algorithm === undefined ? undefined : 'COMPOSITE';
  if (algorithm === undefined) {
    throw invalidRequest(
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  if (header === 'COMPOSITE' || header === 'FULL_OBJECT') return header;
  throw invalidArgument('x-amz-checksum-type', header, 'Value for x-amz-checksum-type header is invalid.');
}

/** The upload that the request names; an id belongs to one key only. */
export function openUpload({ request, bucket, key }: Call): OpenUpload {
  const uploadId = request.query['uploadId'] ?? '';
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined || upload.key !== key) throw noSuchUpload(uploadId);
  return upload;
}

function partNumberOf({ request }: Call): number {
  const text = request.query['partNumber'] ?? '';
  const partNumber = /^\d+$/.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= MAX_PARTS) return partNumber;
  const message = `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`;
  throw invalidArgument('partNumber', text, message);
}

export async function uploadPart(call: Call): Promise<Reply> {
  const partNumber = partNumberOf(call);
  openUpload(call);
  const payload = await readPayload(call.request.raw, { keepBody: !call.store.options.discard });
  // The upload may have been aborted while the body came in.
  const upload = openUpload(call);
  checkPartChecksum(upload, payload.checksum?.algorithm);
  const { size, crc32: crc, md5, body: content } = payload;
  const etag = quoted(md5);
  upload.parts.set(partNumber, {
    partNumber,
    size,
    etag,
    md5,
    crc32: crc,
    lastModified: new Date(),
    content,
  });
  const checksum: Record<string, string> = {};
  if (payload.checksum?.algorithm === 'crc32') checksum['x-amz-checksum-crc32'] = encodeCrc32(crc);
  return { status: 200, headers: { etag, ...checksum } };
}

/**
 * A part's checksum must be of the upload's algorithm; a COMPOSITE upload needs one with each part. An upload without
 * an algorithm takes the CRC32 that SDKs add by default, but no other.
 */
function checkPartChecksum({ algorithm, checksumType }: OpenUpload, given: string | undefined): void {
  const expected = (algorithm ?? (given === 'crc32' ? given : undefined))?.toLowerCase();
  const mayBeMissing = checksumType !== 'COMPOSITE';
  if (given === expected || (given === undefined && mayBeMissing)) return;
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${expected ?? 'null'}, ` +
      `actual checksum Type: ${given ?? 'null'}`,
  );
}

export async function uploadPartCopy(call: Call): Promise<Reply> {
  const partNumber = partNumberOf(call);
  const upload = openUpload(call);
  const source = copySource(call.request, call.store).object;
  const hasChecksum = upload.algorithm !== undefined;
  if (hasChecksum && call.store.options.lacks.has('checked-part-copies')) {
    throw invalidArgument('uploadId', upload.uploadId, `checksum missing, want "CRC32", got ""`);
  }
  const copied = copiedRange(call.request, source);
  const md5 = md5OfCopy(source, call.request.header('x-amz-copy-source-range') ?? '', copied);
  const { size, crc32, content } = copied;
  const part = { partNumber, size, crc32, content, md5, etag: quoted(md5), lastModified: new Date() };
  upload.parts.set(partNumber, part);
  return xmlReply(
    document('CopyPartResult', [
      element('LastModified', part.lastModified.toISOString()),
      element('ETag', part.etag),
      optional('ChecksumCRC32', hasChecksum ? toldCopyChecksum(call.store, crc32) : undefined),
    ]),
  );
}

export async function abortMultipartUpload(call: Call): Promise<Reply> {
  call.bucket.uploads.delete(openUpload(call).uploadId);
  return { status: 204 };
}
