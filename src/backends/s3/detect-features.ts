import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { statusOf } from './errors.ts';
import { CHECKED, type Features } from './features.ts';
import { STAGING_PREFIX } from './keys.ts';
import { type ObjectStore, toCopySource } from './store.ts';

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
    // One that answers everything else and not this does not know it, whatever it says.
    return {
      partCopies: refusal === undefined || statusOf(refusal) === 400,
      checkedPartCopies: refusal === undefined,
    };
  } finally {
    await store.delete(Key);
  }
}
