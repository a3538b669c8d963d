import { createHash } from 'node:crypto';
import { combineCrc32, compositeCrc32, encodeCrc32 } from './checksums.ts';
import { checkWriteConditions, sameEtag } from './conditions.ts';
import { badDigest, invalidRequest, malformedXml, S3Error } from './errors.ts';
import { openUpload } from './multipart.ts';
import { type Call, type Reply, xmlReply } from './objects.ts';
import { readPayload } from './payload.ts';
import type { S3Request } from './request.ts';
import {
  fullObjectChecksum,
  type ObjectChecksum,
  type OpenUpload,
  type Part,
  StoredObject,
} from './store.ts';
import { childText, document, element, optional, parseXml, type XmlElement } from './xml.ts';

export const MIN_PART_SIZE = 5 * 1024 * 1024;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export async function completeMultipartUpload(call: Call): Promise<Reply> {
  const { request, bucket, key } = call;
  openUpload(call);
  const payload = await readPayload(request.raw, { keepBody: true, checksumIsOfBody: false });
  const root = parseXml(payload.body?.toString('utf8') ?? '');
  // Another request may have ended the upload while the body came in.
  const upload = openUpload(call);
  const parts = chooseParts(upload, root);
  const object = assemble(upload, parts);
  checkObjectClaims(request, upload, object);
  checkWriteConditions(request, key, bucket.objects.get(key));
  bucket.objects.set(key, object);
  bucket.uploads.delete(upload.uploadId);
  return xmlReply(
    document('CompleteMultipartUploadResult', [
      element('Location', `http://${request.header('host')}${request.path}`),
      element('Bucket', request.bucket),
      element('Key', key),
      element('ETag', object.etag),
      optional('ChecksumCRC32', object.checksum?.value),
      optional('ChecksumType', object.checksum?.type),
    ]),
  );
}

/** The parts that the request lists, each held against what was uploaded. */
function chooseParts(upload: OpenUpload, root: XmlElement | undefined): Part[] {
  const listed = root?.children.filter((child) => child.name === 'Part') ?? [];
  if (root?.name !== 'CompleteMultipartUpload' || listed.length === 0) throw malformedXml();
  let previous = 0;
  const parts = listed.map((element) => {
    const partNumber = Number(childText(element, 'PartNumber'));
    const etag = childText(element, 'ETag');
    if (!Number.isInteger(partNumber) || etag === undefined) throw malformedXml();
    if (partNumber <= previous) {
      throw new S3Error(
        400,
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
        { UploadId: upload.uploadId },
      );
    }
    previous = partNumber;
    return checkedPart(upload, partNumber, etag, childText(element, 'ChecksumCRC32'));
  });
  const tooSmall = parts.slice(0, -1).find((part) => part.size < MIN_PART_SIZE);
  if (tooSmall !== undefined) {
    throw new S3Error(
      400,
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
      {
        ProposedSize: String(tooSmall.size),
        MinSizeAllowed: String(MIN_PART_SIZE),
        PartNumber: String(tooSmall.partNumber),
        ETag: tooSmall.etag,
      },
    );
  }
  return parts;
}

function checkedPart(
  upload: OpenUpload,
  partNumber: number,
  etag: string,
  checksum: string | undefined,
): Part {
  const part = upload.parts.get(partNumber);
  const isWrong = part === undefined || !sameEtag(part.etag, etag);
  if (isWrong || (checksum !== undefined && checksum !== encodeCrc32(part.crc32))) {
    throw new S3Error(
      400,
      'InvalidPart',
      "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { UploadId: upload.uploadId, PartNumber: String(partNumber), ETag: etag },
    );
  }
  if (upload.checksumType === 'COMPOSITE' && checksum === undefined) {
    throw invalidRequest(
      'The upload was created using a crc32 checksum. The complete request must include the checksum for each ' +
        `part. It was missing for part ${partNumber} in the request.`,
    );
  }
  return part;
}

function assemble(upload: OpenUpload, parts: readonly Part[]): StoredObject {
  const md5OfMd5s = createHash('md5');
  for (const part of parts) md5OfMd5s.update(Buffer.from(part.md5, 'hex'));
  const contents = parts.flatMap((part) => (part.content === undefined ? [] : [part.content]));
  const crc = parts.reduce((sum, part) => combineCrc32(sum, part.crc32, part.size), 0);
  return new StoredObject({
    key: upload.key,
    systemHeaders: upload.systemHeaders,
    metadata: upload.metadata,
    size: parts.reduce((sum, part) => sum + part.size, 0),
    etag: `"${md5OfMd5s.digest('hex')}-${parts.length}"`,
    crc32: crc,
    checksum: checksumOf(upload, parts, crc),
    partCount: parts.length,
    content: contents.length === parts.length ? Buffer.concat(contents) : undefined,
  });
}

function checksumOf(upload: OpenUpload, parts: readonly Part[], crc: number): ObjectChecksum | undefined {
  if (upload.checksumType === undefined) return undefined;
  if (upload.checksumType === 'FULL_OBJECT') return fullObjectChecksum(crc);
  return { algorithm: 'CRC32', type: 'COMPOSITE', value: compositeCrc32(parts.map((part) => part.crc32)) };
}

/** What the headers claim about the object to be: its checksum, the type of that, and its size. */
function checkObjectClaims(request: S3Request, upload: OpenUpload, object: StoredObject): void {
  const checksum = request.header('x-amz-checksum-crc32');
  const type = request.header('x-amz-checksum-type');
  const isOtherType = type !== undefined && type !== upload.checksumType;
  const isUntyped = checksum !== undefined && type === undefined && upload.checksumType !== 'COMPOSITE';
  if (isOtherType || isUntyped) {
    throw invalidRequest(
      `The upload was created using the ${upload.checksumType ?? 'null'} checksum mode. ` +
        'The complete request must use the same checksum mode.',
    );
  }
  if (checksum !== undefined && checksum !== object.checksum?.value) throw badDigest('CRC32');
  const size = request.header('x-amz-mp-object-size');
  if (size !== undefined && Number(size) !== object.size) {
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${size} does not match what was computed: ${object.size}`,
    );
  }
}
