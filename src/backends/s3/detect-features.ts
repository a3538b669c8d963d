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
    const source = { CopySource: toCopySource(Bucket, Key), PartNumber: 1 };
    const copy = new UploadPartCopyCommand({ Bucket, Key, UploadId, ...source });
    believeSecond500(copy);
    const refusal = await client.send(copy).then(
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

/**
 * A store may answer 500 to what it does not know. Sent again as often as any request, that would keep the first large
 * uploads waiting for seconds; a second 500 is believed.
 */
function believeSecond500(copy: UploadPartCopyCommand): void {
  let answers = 0;
  copy.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (statusOf(error) === 500 && ++answers === 2)
          throw Object.assign(Object(error), { name: 'NotImplemented' });
        throw error;
      }
    },
    // Behind the retries, which ask what is thrown whether to go on.
    { step: 'finalizeRequest', priority: 'low', name: 'sluiceSecond500' },
  );
}
