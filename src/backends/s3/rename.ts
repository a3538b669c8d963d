import { CopyObjectCommand, DeleteObjectsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { FsError } from '../../contract/errors.ts';
import type { ObjectStore } from './store.ts';

/** CopyObject takes no more (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). */
const MAX_COPY_BYTES = 5 * 1024 ** 3;
const PARALLEL_COPIES = 16;

/** Copies one object within the bucket, metadata included, then deletes the source. */
export async function renameObject(store: ObjectStore, from: SizedObject, to: string): Promise<void> {
  await copy(store, from, to);
  await store.delete(from.key);
}

/**
 * Moves everything below one prefix to another. Nothing is deleted before every copy has succeeded, so a failure
 * leaves the source whole, and the same call again completes it.
 */
export async function renamePrefix(store: ObjectStore, from: string, to: string): Promise<void> {
  for await (const objects of pages(store, from)) {
    await inParallel(objects, PARALLEL_COPIES, (object) =>
      copy(store, object, to + object.key.slice(from.length)),
    );
  }
  for await (const objects of pages(store, from)) {
    const Objects = objects.map(({ key }) => ({ Key: key }));
    const deleted = await store.client.send(
      new DeleteObjectsCommand({ Bucket: store.bucket, Delete: { Objects, Quiet: true } }),
    );
    const failure = deleted.Errors?.[0];
    if (failure !== undefined) throw new Error(`DeleteObjects: ${failure.Code} for a renamed object`);
  }
}

interface SizedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

async function* pages(store: ObjectStore, prefix: string): AsyncGenerator<SizedObject[]> {
  const listing = paginateListObjectsV2({ client: store.client }, { Bucket: store.bucket, Prefix: prefix });
  for await (const page of listing) {
    yield (page.Contents ?? []).map(({ Key, Size }) => ({ key: Key ?? '', size: Size ?? 0 }));
  }
}

async function copy(store: ObjectStore, from: SizedObject, to: string): Promise<void> {
  if (from.size > MAX_COPY_BYTES) throw new FsError('EFBIG', 'copying an object of more than 5 GiB');
  const source = `${store.bucket}/${from.key}`.split('/').map(encodeURIComponent).join('/');
  await store.client.send(new CopyObjectCommand({ Bucket: store.bucket, Key: to, CopySource: source }));
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: width }, async () => {
    for (const item of queue) await work(item);
  });
  await Promise.all(workers);
}
