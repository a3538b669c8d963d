import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { statusOf } from './errors.ts';
import { STAGING_PREFIX } from './keys.ts';
import { type ObjectStore, toCopySource } from './store.ts';

/** What Amazon's S3 can do, and not every store that speaks its language. */
export interface Features {
  /**
   * Parts may be copied into a multipart upload that verifies the CRC32 of the whole. MinIO wants a checksum with
   * every part of such an upload, which a copy cannot give.
   */
  readonly checkedPartCopies: boolean;
}

export const ALL_FEATURES: Features = { checkedPartCopies: true };

/** Tries them out, on an object that is gone afterwards. @throws when it cannot be told. */
export async function detectFeatures(store: ObjectStore): Promise<Features> {
  const { client, bucket: Bucket } = store;
  const Key = `${STAGING_PREFIX}features-${randomUUID()}`;
  await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.of(0) }));
  try {
    const create = new CreateMultipartUploadCommand({ Bucket, Key, ...CHECKED });
    const { UploadId } = await client.send(create);
    const copy = { CopySource: toCopySource(Bucket, Key), PartNumber: 1 };
    const refusal = await client.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, ...copy })).then(
      () => undefined,
      (error: unknown) => error,
    );
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    if (refusal !== undefined && !REFUSALS.includes(statusOf(refusal))) throw refusal;
    return { checkedPartCopies: refusal === undefined };
  } finally {
    await store.delete(Key);
  }
}

/** A multipart upload of which S3 verifies every part, and the whole at its completion. */
export const CHECKED = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;

const REFUSALS: readonly (number | undefined)[] = [400, 501];
