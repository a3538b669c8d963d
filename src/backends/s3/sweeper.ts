import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type MultipartUpload,
  type ListMultipartUploadsCommandOutput as Page,
} from '@aws-sdk/client-s3';
import type { Log } from '../../contract/log.ts';
import { staticPrefixOf } from '../../contract/prefix.ts';
import { isNotFound, toS3Failure } from './errors.ts';
import { decodeKey, STAGING_PREFIX } from './keys.ts';
import { pagesBelow } from './pages.ts';
import type { ObjectStore } from './store.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PARALLEL_REQUESTS = 8;

export interface SweeperOptions {
  readonly store: ObjectStore;
  /** As configured: static, or `session:KEY`, which may be anywhere in the bucket. */
  readonly prefix: string;
  /** Younger ones are never touched. */
  readonly olderThanMs: number;
  readonly log: Log;
  /** Whether an upload of this process still goes on: asked with the id of an upload, or the key of a staged object. */
  readonly isActive?: (uploadIdOrKey: string) => boolean;
  readonly now?: () => number;
}

export interface SweepResult {
  /** Multipart uploads that are gone, whoever aborted them. */
  readonly aborted: number;
  /** Staged objects. */
  readonly deleted: number;
  /** Requests that failed. */
  readonly failed: number;
  /** Age of the oldest that went. */
  readonly oldestMs: number;
}

export interface Sweeper {
  /** Never rejects: what went wrong is counted and logged. One at a time; a second call joins the first. */
  sweep(): Promise<SweepResult>;
  /** Sweeps within a minute, at a moment of its own so that tasks do not all list at once, and then every hour. */
  start(): void;
  /** Resolves when the sweep in progress, if any, has stopped. */
  close(): Promise<void>;
}

interface Fault {
  /** What the request needs (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html). */
  readonly permission: string;
  readonly error: unknown;
}

/**
 * Aborts the multipart uploads that tasks have left behind when they died, and deletes their staged objects. S3 keeps, and
 * charges for, the parts of an upload until it is completed or aborted
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Nobody can tell an upload of a dead task from one
 * of another that lives, so age alone decides. Any number of tasks may sweep the same bucket.
 */
export function createSweeper(options: SweeperOptions): Sweeper {
  const { store, log } = options;
  const stop = new AbortController();
  let running: Promise<SweepResult> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function sweep(): Promise<SweepResult> {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function run(): Promise<SweepResult> {
    const round = new Round(options, stop.signal);
    const prefix = staticPrefixOf(options.prefix);
    // The whole bucket has the staged objects in it.
    for (const below of prefix === '' ? [''] : [prefix, STAGING_PREFIX]) await round.abortUploads(below);
    await round.deleteStaged();
    const { faults, ...result } = round.outcome();
    const { aborted, deleted, oldestMs } = result;
    if (aborted + deleted > 0) {
      log.info({ aborted, deleted, oldestHours: Math.floor(oldestMs / HOUR_MS) }, 'abandoned uploads swept');
    }
    if (faults.length > 0) logFaults(log, store.bucket, faults);
    return result;
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(async () => {
      await sweep();
      if (!stop.signal.aborted) schedule(HOUR_MS);
    }, delayMs);
    timer.unref();
  }

  return {
    sweep,
    start: () => schedule(Math.random() * MINUTE_MS),
    close: async () => {
      stop.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

/** One line, whatever the number of faults; it names the permissions that are missing. */
function logFaults(log: Log, bucket: string, faults: readonly Fault[]): void {
  const denied = faults.filter(({ error }) => toS3Failure(error).code === 'EACCES');
  const missing = [...new Set(denied.map(({ permission }) => permission))];
  const advice = missing.length === 0 ? '' : `; the credentials need ${missing.join(', ')}`;
  const err = faults[0]?.error;
  log.warn({ err, bucket, failed: faults.length }, `abandoned uploads could not all be swept${advice}`);
}

/** One sweep. Each failure is noted and the rest goes on, since one prefix may be denied and another not. */
class Round {
  readonly #options: SweeperOptions;
  readonly #signal: AbortSignal;
  readonly #faults: Fault[] = [];
  #aborted = 0;
  #deleted = 0;
  #oldestMs = 0;

  constructor(options: SweeperOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  outcome(): SweepResult & { readonly faults: readonly Fault[] } {
    const faults = this.#faults;
    const [aborted, deleted, oldestMs] = [this.#aborted, this.#deleted, this.#oldestMs];
    return { aborted, deleted, failed: faults.length, oldestMs, faults };
  }

  /**
   * A page is listed before the uploads of the one before it are aborted: the list goes on behind the last of them,
   * and a store may not know where that is when it is gone.
   */
  async abortUploads(prefix: string): Promise<void> {
    await this.#noting('s3:ListBucketMultipartUploads', async () => {
      let previous: Page | undefined;
      let page: Page | undefined = await this.#list(prefix);
      while (page !== undefined) {
        const next: Page | undefined = isLast(page, previous) ? undefined : await this.#list(prefix, page);
        const { EncodingType } = page;
        await inParallel(page.Uploads ?? [], (upload) => this.#abortIfStale(upload, EncodingType));
        [previous, page] = [page, next];
      }
    });
  }

  async deleteStaged(): Promise<void> {
    const { store } = this.#options;
    await this.#noting('s3:ListBucket', async () => {
      for await (const page of pagesBelow(store, STAGING_PREFIX, this.#signal)) {
        await inParallel(page, async ({ key, lastModified }) => {
          const ageMs = this.#staleAge(lastModified);
          if (ageMs === undefined || this.#isSpared(key) || !key.startsWith(STAGING_PREFIX)) return;
          await this.#noting('s3:DeleteObject', async () => {
            await store.delete(key);
            this.#deleted += 1;
            this.#oldestMs = Math.max(this.#oldestMs, ageMs);
          });
        });
      }
    });
  }

  async #abortIfStale(
    { Key = '', UploadId, Initiated }: MultipartUpload,
    encoding: string | undefined,
  ): Promise<void> {
    const ageMs = this.#staleAge(Initiated);
    if (ageMs === undefined || UploadId === undefined || this.#isSpared(UploadId)) return;
    const { client, bucket } = this.#options.store;
    const request = new AbortMultipartUploadCommand({
      Bucket: bucket,
      Key: decodeKey(Key, encoding),
      UploadId,
    });
    await this.#noting('s3:AbortMultipartUpload', async () => {
      await client.send(request, { abortSignal: this.#signal }).catch((error: unknown) => {
        // Another task was faster.
        if (!isNotFound(error)) throw error;
      });
      this.#aborted += 1;
      this.#oldestMs = Math.max(this.#oldestMs, ageMs);
    });
  }

  #list(prefix: string, after?: Page): Promise<Page> {
    const { client, bucket } = this.#options.store;
    const markers = after && {
      KeyMarker: decodeKey(after.NextKeyMarker ?? '', after.EncodingType),
      UploadIdMarker: after.NextUploadIdMarker,
    };
    const request = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' as const, ...markers };
    return client.send(new ListMultipartUploadsCommand(request), { abortSignal: this.#signal });
  }

  /** Undefined when it is young, or of no known age. */
  #staleAge(since: Date | undefined): number | undefined {
    const { olderThanMs, now = Date.now } = this.#options;
    const ageMs = since === undefined ? 0 : now() - since.getTime();
    return ageMs > olderThanMs ? ageMs : undefined;
  }

  /** Also when the sweep is to stop. */
  #isSpared(uploadIdOrKey: string): boolean {
    return this.#signal.aborted || (this.#options.isActive?.(uploadIdOrKey) ?? false);
  }

  async #noting(permission: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) this.#faults.push({ permission, error });
    }
  }
}

/** Also when the list does not go on: a store that does not know the markers would begin it anew for ever. */
function isLast(page: Page, previous: Page | undefined): boolean {
  if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return true;
  return (
    page.NextKeyMarker === previous?.NextKeyMarker && page.NextUploadIdMarker === previous?.NextUploadIdMarker
  );
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: PARALLEL_REQUESTS }, async () => {
    for (const item of queue) await work(item);
  });
  await Promise.all(workers);
}
