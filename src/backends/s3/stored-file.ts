import { HeadObjectCommand } from '@aws-sdk/client-s3';
import type { StoredFile } from '../../contract/types.ts';
import { notesFromMetadata } from './attributes.ts';
import { fromBase64, toBase64 } from './checksum.ts';
import { isNotFound, statusOf, toS3Failure } from './errors.ts';
import { type ObjectStore, unquote } from './store.ts';

/** What S3 says of the object it has just made. */
export interface Completion {
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
}

/** What tells an object from others of its size where the store keeps no checksum. */
export interface Proof {
  /** The ETag that it must have, without quotes: the MD5 of its bytes, or that of the MD5s of its parts. */
  readonly etag: string;
}

/**
 * Whether the object of that key is, by size and CRC32, the one that was sent: for when the answer that should
 * have said so was lost or said too little. Undefined when it is another one, or when there is none.
 *
 * A store that keeps no checksum is asked for the `proof` instead, and an object that does not give it is not ours:
 * neither its size nor its date can tell it from what another client has stored meanwhile. Without a `proof` the
 * size is enough; leave it out only when the store has answered that it made the object.
 *
 * An older object of the very same bytes passes, which does no harm: what was sent is what is there.
 */
export async function findStored(
  store: ObjectStore,
  key: string,
  size: number,
  crc: number | undefined,
  proof?: Proof,
): Promise<Completion | undefined> {
  const request = new HeadObjectCommand({ Bucket: store.bucket, Key: key, ChecksumMode: 'ENABLED' });
  const head = await store.client.send(request).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (head?.ContentLength !== size) return undefined;
  const isOurs =
    crc === undefined || head.ChecksumCRC32 === undefined
      ? proof === undefined || unquote(head.ETag) === proof.etag
      : head.ChecksumCRC32 === toBase64(crc);
  return isOurs ? head : undefined;
}

/**
 * Whether a write that failed may have been done all the same, so that the object itself has to be asked: no attempt
 * was answered, or a server on the way gave up, or there were several attempts. Then the error may be the echo of one
 * whose answer was lost ("the upload is gone" after a completion, "it exists already" after an exclusive write).
 */
export function mayBeDone(error: unknown): boolean {
  const { name, $metadata } = Object(error) as {
    readonly name?: unknown;
    readonly $metadata?: { readonly attempts?: number };
  };
  if (name === 'AbortError') return false;
  if (($metadata?.attempts ?? 1) > 1) return true;
  const status = statusOf(error);
  return status === undefined ? toS3Failure(error).again === 'yes' : status >= 500;
}

/** What S3 knows of the object of a key; undefined when there is none. */
export async function describeStored(store: ObjectStore, key: string): Promise<StoredFile | undefined> {
  const request = new HeadObjectCommand({ Bucket: store.bucket, Key: key, ChecksumMode: 'ENABLED' });
  try {
    const head = await store.client.send(request);
    const { ContentLength = 0, ChecksumCRC32, ChecksumType = 'FULL_OBJECT', Metadata } = head;
    // That of a composite one is not of its bytes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
    const isWhole = ChecksumCRC32 !== undefined && ChecksumType === 'FULL_OBJECT';
    const crc = isWhole ? fromBase64(ChecksumCRC32) : undefined;
    const notes = notesFromMetadata(Metadata);
    return { ...toStoredFile(store, key, ContentLength, crc, head), notes };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What S3 answered to the request that made an object, in the contract's words. */
export function toStoredFile(
  store: ObjectStore,
  key: string,
  size: number,
  crc: number | undefined,
  answer: Completion,
): StoredFile {
  return {
    size,
    location: { bucket: store.bucket, key },
    ...(crc === undefined
      ? {}
      : { checksum: { algorithm: 'CRC32' as const, value: toBase64(crc), type: 'FULL_OBJECT' as const } }),
    ...(answer.ETag === undefined ? {} : { etag: unquote(answer.ETag) }),
    ...(answer.VersionId === undefined ? {} : { versionId: answer.VersionId }),
  };
}
