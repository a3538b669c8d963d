import { CopyObjectCommand } from '@aws-sdk/client-s3';
import type { StoredFile } from '../../contract/types.ts';
import { fromBase64 } from './checksum.ts';
import { ANY, replacing, type WriteCondition } from './conditions.ts';
import { toS3Failure } from './errors.ts';
import { inParallel } from './in-parallel.ts';
import { MultipartUpload } from './multipart.ts';
import { type ObjectHeaders, type ObjectStore, toCopySource } from './store.ts';
import { type Completion, findStored, toStoredFile } from './stored-file.ts';

/** CopyObject, and one UploadPartCopy, take no more (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

/** Parts of a large copy: S3 copies each by itself, so several at once are faster. At most 10,000 of them. */
const COPIED_PART_BYTES = 512 * 1024 ** 2;
const MAX_PARTS = 10_000;
const PARALLEL_PARTS = 8;

/** One object as it was seen: nothing is copied of another that has taken its place. */
export interface SeenObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
}

/**
 * Copies an object within the bucket, its metadata included, whatever its size.
 * @throws S3's `PreconditionFailed` when the source is another one by now, or the condition on the target does not hold.
 */
export async function copyObject(
  store: ObjectStore,
  from: SeenObject,
  to: string,
  condition: WriteCondition = ANY,
): Promise<StoredFile> {
  if (from.size > MAX_COPY_BYTES) {
    const headers = (await store.head(from.key))?.headers ?? {};
    return await copyInParts(store, from, to, { headers, condition });
  }
  const copy = await copyWhole(store, from, to, { condition });
  return toStoredFile(store, to, from.size, copy.crc, copy);
}

/**
 * Gives an object that is stored other headers. S3 takes them only when an object is made, so it is copied onto
 * itself. One that has been replaced meanwhile is left alone: its time has passed.
 */
export async function describeAnew(
  store: ObjectStore,
  { key, stored, headers }: { key: string; stored: StoredFile; headers: ObjectHeaders },
): Promise<StoredFile> {
  const { size, etag = '', checksum } = stored;
  const crc = checksum === undefined ? undefined : fromBase64(checksum.value);
  const seen = { key, size, etag };
  try {
    if (size > MAX_COPY_BYTES) {
      const copy = await copyInParts(store, seen, key, { headers, condition: replacing(seen) });
      return { ...copy, ...(checksum === undefined ? {} : { checksum }) };
    }
    return toStoredFile(store, key, size, crc, await copyWhole(store, seen, key, { headers }));
  } catch (error) {
    if (toS3Failure(error).code !== 'ESTALE') throw error;
    // Or by ourselves, if an answer was lost.
    const ours = crc === undefined ? undefined : await findStored(store, key, size, crc);
    return ours === undefined ? stored : toStoredFile(store, key, size, crc, ours);
  }
}

async function copyWhole(
  store: ObjectStore,
  { key, etag }: SeenObject,
  to: string,
  { headers, condition = ANY }: { readonly headers?: ObjectHeaders; readonly condition?: WriteCondition },
): Promise<Completion & { readonly crc: number | undefined }> {
  const { CopyObjectResult, VersionId } = await store.client.send(
    new CopyObjectCommand({
      Bucket: store.bucket,
      Key: to,
      CopySource: toCopySource(store.bucket, key),
      CopySourceIfMatch: `"${etag}"`,
      ...(headers === undefined ? {} : { ...headers, MetadataDirective: 'REPLACE' }),
      ...condition,
    }),
  );
  const { ETag, ChecksumCRC32, ChecksumType } = CopyObjectResult ?? {};
  const isWhole = ChecksumCRC32 !== undefined && ChecksumType !== 'COMPOSITE';
  return { ETag, VersionId, crc: isWhole ? fromBase64(ChecksumCRC32) : undefined };
}

async function copyInParts(
  store: ObjectStore,
  { key, size, etag }: SeenObject,
  to: string,
  { headers, condition }: { readonly headers: ObjectHeaders; readonly condition: WriteCondition },
): Promise<StoredFile> {
  const gone = new AbortController();
  const upload = new MultipartUpload({
    store,
    key: to,
    condition,
    headers: () => headers,
    signal: gone.signal,
  });
  const partBytes = Math.max(COPIED_PART_BYTES, Math.ceil(size / MAX_PARTS));
  const parts = Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => index);
  try {
    await inParallel(parts, PARALLEL_PARTS, async (index) => {
      const offset = index * partBytes;
      await upload.copyPart(index, { key, etag, offset }, Math.min(partBytes, size - offset));
    });
    return await upload.complete(parts.length, size);
  } catch (error) {
    gone.abort();
    await upload.abort();
    throw error;
  }
}
