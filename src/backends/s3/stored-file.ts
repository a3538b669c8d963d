import { HeadObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { StoredFile } from '../../contract/types.ts';
import { toBase64 } from './checksum.ts';
import { isNotFound } from './errors.ts';
import { type ObjectStore, unquote } from './store.ts';

/** What S3 says of the object it has just made. */
export interface Completion {
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
}

/**
 * Whether the object of that key is, by size and CRC32, the one that was sent: for when the answer that should
 * have said so was lost or said too little. Undefined when it is another one, or when there is none.
 */
export async function findStored(
  store: ObjectStore,
  key: string,
  size: number,
  crc: number | undefined,
): Promise<Completion | undefined> {
  const request = new HeadObjectCommand({ Bucket: store.bucket, Key: key, ChecksumMode: 'ENABLED' });
  const head = await store.client.send(request).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (head?.ContentLength !== size) return undefined;
  if (crc === undefined || head.ChecksumCRC32 === undefined) return head;
  return head.ChecksumCRC32 === toBase64(crc) ? head : undefined;
}

/**
 * Whether a refusal may be the echo of an earlier attempt of the same request, which the SDK repeated because its
 * answer was lost: "the upload is gone" after a completion, "it exists already" after an exclusive write.
 */
export function mayBeDone(error: unknown): boolean {
  if (!(error instanceof S3ServiceException)) return false;
  const refused = error.name === 'NoSuchUpload' || error.name === 'PreconditionFailed';
  return refused && (error.$metadata.attempts ?? 1) > 1;
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
