import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { copyObject, type SizedObject } from './copy-object.ts';
import { inParallel } from './in-parallel.ts';
import type { ObjectStore } from './store.ts';

const PARALLEL_COPIES = 16;

/** Copies one object within the bucket, metadata included, then deletes the source. */
export async function renameObject(store: ObjectStore, from: SizedObject, to: string): Promise<void> {
  await copyObject(store, from, to);
  await store.delete(from.key);
}

/**
 * Moves everything below one prefix to another. Nothing is deleted before every copy has succeeded, so a failure
 * leaves the source whole, and the same call again completes it.
 */
export async function renamePrefix(store: ObjectStore, from: string, to: string): Promise<void> {
  for await (const objects of pages(store, from)) {
    await inParallel(objects, PARALLEL_COPIES, (object) =>
      copyObject(store, object, to + object.key.slice(from.length)),
    );
  }
  for await (const objects of pages(store, from)) {
    await store.deleteAll(objects.map(({ key }) => key));
  }
}

async function* pages(store: ObjectStore, prefix: string): AsyncGenerator<SizedObject[]> {
  const listing = paginateListObjectsV2({ client: store.client }, { Bucket: store.bucket, Prefix: prefix });
  for await (const page of listing) {
    yield (page.Contents ?? []).map(({ Key, Size }) => ({ key: Key ?? '', size: Size ?? 0 }));
  }
}
