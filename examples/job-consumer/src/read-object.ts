import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { UploadFinishedEvent } from 'sluice';
import { inS3Span } from './telemetry.ts';

export type UploadedObject = UploadFinishedEvent['data'];

/** The bytes of the object are not those of the upload. */
export class ObjectMismatchError extends Error {
  override readonly name = 'ObjectMismatchError';
}

/**
 * Gives `work` the object as it arrives, no more of it in memory than the stream buffers. What `work` returns comes
 * back only when all bytes were there and were those of the upload, by size and CRC32; until then it is worth nothing.
 *
 * @throws ObjectMismatchError; S3's own error when another object has taken its place (412) or it is gone (404).
 */
export function readObject<T>(
  s3: S3Client,
  object: UploadedObject,
  work: (bytes: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  const { bucket, key, versionId, etag } = object;
  return inS3Span('GetObject', { bucket, key }, async () => {
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(versionId === null ? {} : { VersionId: versionId }),
      ...(etag === null ? {} : { IfMatch: `"${etag}"` }),
    });
    const body = (await s3.send(command)).Body as Readable;
    try {
      const check = new Check(object);
      const result = await work(check.passing(body));
      check.assertPassed();
      return result;
    } finally {
      body.destroy();
    }
  });
}

class Check {
  readonly #object: UploadedObject;
  #hasPassed = false;

  constructor(object: UploadedObject) {
    this.#object = object;
  }

  /** The bytes unchanged; it ends without an error only when they are the right ones. */
  async *passing(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    const { size, checksum } = this.#object;
    let length = 0;
    let crc = 0;
    for await (const chunk of bytes) {
      length += chunk.length;
      crc = crc32(chunk, crc);
      yield chunk;
    }
    if (length !== size) throw new ObjectMismatchError(`it has ${length} bytes, the upload had ${size}`);
    if (checksum !== null && toBase64(crc) !== checksum.value) {
      throw new ObjectMismatchError(`its CRC32 is ${toBase64(crc)}, that of the upload ${checksum.value}`);
    }
    this.#hasPassed = true;
  }

  /** Work that stops before the end has not seen whether the bytes are right. */
  assertPassed(): void {
    if (!this.#hasPassed) throw new Error('the work did not read the object to its end');
  }
}

/** As S3 writes it: four big-endian bytes in base64. */
function toBase64(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}
