import { createHash } from 'node:crypto';
import { compositeCrc32, encodeCrc32 } from './checksums.ts';
import { checkWriteConditions, sameEtag } from './conditions.ts';
import { joinContents } from './content.ts';
import { badDigest, invalidRequest, malformedXml, S3Error } from './errors.ts';
import { openUpload } from './multipart.ts';
import { type Call, type Reply, xmlReply } from './objects.ts';
import { readPayload } from './payload.ts';
import type { S3Request } from './request.ts';
import { type ObjectChecksum, type OpenUpload, type Part, StoredObject } from './store.ts';
import { childText, document, element, optional, parseXml, type XmlElement } from './xml.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export async function completeMultipartUpload(call: Call): Promise<Reply> {
  const { request, store, bucket, key } = call;
  openUpload(call);
  const payload = await readPayload(request.raw, { keepBody: true, checksumIsOfBody: false });
  const root = parseXml(payload.body?.toString('utf8') ?? '');
  // Another request may have ended the upload while the body came in.
  const upload = openUpload(call);
  const parts = chooseParts(upload, root, store.options.minPartBytes);
  const object = assemble(upload, parts, request.header('x-amz-checksum-crc32'));
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
function chooseParts(upload: OpenUpload, root: XmlElement | undefined, minPartBytes: number): Part[] {
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
  const tooSmall = parts.slice(0, -1).find((part) => part.size < minPartBytes);
  if (tooSmall !== undefined) {
    throw new S3Error(
      400,
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
      {
        ProposedSize: String(tooSmall.size),
        MinSizeAllowed: String(minPartBytes),
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
  if (isWrong || isOther(checksum, part.crc32)) {
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

/** A claim about bytes whose CRC nobody knows is believed. */
const isOther = (claimed: string | undefined, crc: number | undefined): boolean =>
  claimed !== undefined && crc !== undefined && claimed !== encodeCrc32(crc);

function assemble(upload: OpenUpload, parts: readonly Part[], claimed: string | undefined): StoredObject {
  const md5OfMd5s = createHash('md5');
  for (const part of parts) md5OfMd5s.update(Buffer.from(part.md5, 'hex'));
  const whole = joinContents(parts);
  return new StoredObject({
    key: upload.key,
    systemHeaders: upload.systemHeaders,
    metadata: upload.metadata,
    tags: upload.tags,
    ...whole,
    etag: `"${md5OfMd5s.digest('hex')}-${parts.length}"`,
    checksum: checksumOf(upload, parts, whole.crc32, claimed),
    partCount: parts.length,
  });
}

/** That of bytes whose CRC nobody knows is what the request claims; without a claim there is none. */
function checksumOf(
  { checksumType: type }: OpenUpload,
  parts: readonly Part[],
  crc: number | undefined,
  claimed: string | undefined,
): ObjectChecksum | undefined {
  if (type === undefined) return undefined;
  const crcs = parts.flatMap((part) => (part.crc32 === undefined ? [] : [part.crc32]));
  const isKnown = crc !== undefined && crcs.length === parts.length;
  const known = type === 'FULL_OBJECT' ? encodeCrc32(crc ?? 0) : compositeCrc32(crcs);
  const value = isKnown ? known : claimed;
  return value === undefined ? undefined : { algorithm: 'CRC32', type, value };
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
