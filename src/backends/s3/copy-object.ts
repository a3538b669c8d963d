import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { inParallel } from './in-parallel.ts';
import { MultipartUpload } from './multipart.ts';
import { type ObjectStore, toCopySource } from './store.ts';

/** CopyObject, and one UploadPartCopy, take no more (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

/** Parts of a large copy: S3 copies each by itself, so several at once are faster. At most 10,000 of them. */
const COPIED_PART_BYTES = 512 * 1024 ** 2;
const MAX_PARTS = 10_000;
const PARALLEL_PARTS = 8;

export interface SizedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/** Copies an object within the bucket, its metadata included, whatever its size. */
export async function copyObject(store: ObjectStore, from: SizedObject, to: string): Promise<void> {
  if (from.size > MAX_COPY_BYTES) return await copyInParts(store, from, to);
  const CopySource = toCopySource(store.bucket, from.key);
  await store.client.send(new CopyObjectCommand({ Bucket: store.bucket, Key: to, CopySource }));
}

async function copyInParts(store: ObjectStore, { key }: SizedObject, to: string): Promise<void> {
  const head = await store.head(key);
  if (head === undefined) throw new Error('the object to copy is gone');
  const { size, etag, headers } = head;
  const gone = new AbortController();
  const upload = new MultipartUpload({ store, key: to, headers: () => headers, signal: gone.signal });
  const partBytes = Math.max(COPIED_PART_BYTES, Math.ceil(size / MAX_PARTS));
  const parts = Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => index);
  try {
    await inParallel(parts, PARALLEL_PARTS, async (index) => {
      const offset = index * partBytes;
      await upload.copyPart(index, { key, etag, offset }, Math.min(partBytes, size - offset));
    });
    await upload.complete(parts.length, size);
  } catch (error) {
    gone.abort();
    await upload.abort();
    throw error;
  }
}
