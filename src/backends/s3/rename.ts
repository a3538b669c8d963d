import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { StoredFile } from '../../contract/types.ts';
import { ANY, type WriteCondition } from './conditions.ts';
import { copyObject, type SeenObject } from './copy-object.ts';
import { toS3Failure } from './errors.ts';
import { inParallel } from './in-parallel.ts';
import { type ListedObject, pagesBelow } from './pages.ts';
import type { ObjectStore } from './store.ts';
import { describeStored, mayBeDone } from './stored-file.ts';

const PARALLEL_COPIES = 16;

/**
 * Copies one object within the bucket, metadata included, then deletes the source: not one that has taken its place.
 * The condition is on what stands at the target.
 */
export async function renameObject(
  store: ObjectStore,
  from: SeenObject,
  to: string,
  condition: WriteCondition,
): Promise<StoredFile> {
  const stored = await copyOnce(store, from, to, condition);
  try {
    await store.delete(from.key, from.etag);
  } catch (error) {
    if (!['ESTALE', 'ENOENT'].includes(toS3Failure(error).code)) throw error;
  }
  return stored;
}

/** A condition that does not hold may be the echo of an attempt whose answer was lost: then what stands there is the copy. */
async function copyOnce(
  store: ObjectStore,
  from: SeenObject,
  to: string,
  condition: WriteCondition,
): Promise<StoredFile> {
  try {
    return await copyObject(store, from, to, condition);
  } catch (error) {
    if (condition === ANY || !mayBeDone(error)) throw error;
    const [source, target] = await Promise.all([describeStored(store, from.key), describeStored(store, to)]);
    // Each upload has notes of its own.
    const { notes = {} } = source ?? {};
    const isCopied = Object.keys(notes).length > 0 && isDeepStrictEqual(target?.notes, notes);
    if (target === undefined || !isCopied || target.size !== from.size) throw error;
    return target;
  }
}

/**
 * Moves everything below one prefix to another, object by object. Nothing is deleted before every copy has succeeded, so a
 * failure leaves the source whole or the target, and the same move again completes it: a note in the bucket says
 * until the end that it has begun.
 */
export class PrefixMove {
  readonly #store: ObjectStore;
  readonly #from: string;
  readonly #to: string;
  readonly #note: string;

  constructor(store: ObjectStore, from: string, to: string) {
    this.#store = store;
    this.#from = from;
    this.#to = to;
    const name = createHash('sha256').update(`${from}\0${to}`).digest('hex');
    this.#note = `${store.stagingPrefix}rename-${name}`;
  }

  /** Whether it was begun before and has not ended: what lies at the target is its own. */
  async hasBegun(): Promise<boolean> {
    return (await this.#store.head(this.#note)) !== undefined;
  }

  async run(): Promise<void> {
    await this.#store.putEmpty(this.#note);
    for await (const objects of pagesBelow(this.#store, this.#from)) {
      await inParallel(objects, PARALLEL_COPIES, async (object) => {
        await copyObject(this.#store, object, this.#to + object.key.slice(this.#from.length));
      });
    }
    await this.#deleteCopied();
    await this.#store.delete(this.#note);
  }

  /** Goes through both listings side by side: what has come to the source meanwhile has no copy, and stays. */
  async #deleteCopied(): Promise<void> {
    const copies = each(pagesBelow(this.#store, this.#to));
    let copy = await copies.next();
    for await (const objects of pagesBelow(this.#store, this.#from)) {
      const copied: string[] = [];
      for (const object of objects) {
        const name = object.key.slice(this.#from.length);
        while (!copy.done && inListingOrder(copy.value.key.slice(this.#to.length), name) < 0) {
          copy = await copies.next();
        }
        if (copy.done) break;
        if (copy.value.key.slice(this.#to.length) === name && isCopy(copy.value, object))
          copied.push(object.key);
      }
      await this.#store.deleteAll(copied);
    }
    await copies.return(undefined);
  }
}

/** By its ETag; or by its age, as a copy of an object of several parts, or an encrypted one, has another ETag. */
function isCopy(copy: ListedObject, { size, etag, lastModified }: ListedObject): boolean {
  if (copy.size !== size) return false;
  return copy.etag === etag || Number(copy.lastModified) >= Number(lastModified);
}

/** S3 lists keys in the order of their UTF-8 bytes. */
function inListingOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

async function* each<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page;
}
