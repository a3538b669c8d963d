import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { OutboxStore } from '../../contract/outbox-store.ts';
import { RESERVED_PREFIX } from '../../contract/prefix.ts';
import { ANY, replacing, type WriteCondition } from './conditions.ts';
import { isNotFound, toS3Failure } from './errors.ts';
import { pagesBelow } from './pages.ts';
import { type ObjectStore, unquote } from './store.ts';
import { describeStored } from './stored-file.ts';

/**
 * Records as objects below `.sluice/`, where no client's path leads. Files that they are about may be in other buckets, which
 * `storeOf` has.
 */
export function createOutboxStore(
  store: ObjectStore,
  storeOf: (bucket: string) => ObjectStore = (bucket) => store.with({ bucket }),
): OutboxStore {
  const { client, bucket: Bucket } = store;
  const toKey = (name: string) => RESERVED_PREFIX + name;

  async function put(name: string, text: string, condition: WriteCondition): Promise<void> {
    const request = { Bucket, Key: toKey(name), Body: text, ContentType: 'application/json', ...condition };
    await client.send(new PutObjectCommand(request));
  }

  return {
    put: (name, text) => put(name, text, ANY),

    replace: async (name, text, etag) => {
      try {
        await put(name, text, replacing({ etag }));
        return true;
      } catch (error) {
        // A store that knows of another write to it at this moment refuses with EBUSY (ConditionalRequestConflict).
        if (isNotFound(error) || ['ESTALE', 'EBUSY'].includes(toS3Failure(error).code)) return false;
        throw error;
      }
    },

    get: async (name) => {
      try {
        const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket, Key: toKey(name) }));
        return { text: (await Body?.transformToString()) ?? '', etag: unquote(ETag) };
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },

    list: async function* (folder) {
      for await (const page of pagesBelow(store, toKey(folder))) {
        yield page.map(({ key, etag, lastModified = new Date(0) }) => ({
          name: key.slice(RESERVED_PREFIX.length),
          etag,
          writtenAt: lastModified,
        }));
      }
    },

    delete: (name) => store.delete(toKey(name)),

    storedFile: async ({ bucket, key }) => await describeStored(storeOf(bucket), key),
  };
}
