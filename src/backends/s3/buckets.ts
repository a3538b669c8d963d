import { Recent } from './recent.ts';
import type { ObjectStore } from './store.ts';
import type { Sweeper } from './sweeper.ts';

/** Buckets that are remembered. What of them was left out is made again when it is used again. */
const MAX_BUCKETS = 1000;

export interface BucketsOptions {
  /** That of the service. */
  readonly own: ObjectStore;
  /** Undefined where nothing is swept. */
  readonly createSweeper: (store: ObjectStore) => Sweeper | undefined;
  readonly limit?: number;
}

/**
 * The buckets that are used, on the service's own account: its own one, which stays, and those of principals, each from when it is
 * first asked for. Each is swept from then on.
 */
export class Buckets {
  readonly #own: ObjectStore;
  readonly #ownSweeper: Sweeper | undefined;
  readonly #others: Recent<{ readonly store: ObjectStore; readonly sweeper: Sweeper | undefined }>;
  readonly #createSweeper: BucketsOptions['createSweeper'];
  #isStarted = false;

  constructor({ own, createSweeper, limit = MAX_BUCKETS }: BucketsOptions) {
    this.#own = own;
    this.#createSweeper = createSweeper;
    this.#ownSweeper = createSweeper(own);
    this.#others = new Recent(limit, ({ sweeper }) => void sweeper?.close());
  }

  /** Its own one when none is named. */
  store(name = this.#own.bucket): ObjectStore {
    if (name === this.#own.bucket) return this.#own;
    return this.#others.get(name, () => this.#open(name)).store;
  }

  /** Begins to sweep those that are known, and from now on each that comes. */
  start(): void {
    this.#isStarted = true;
    for (const sweeper of this.#sweepers()) sweeper?.start();
  }

  async close(): Promise<void> {
    await Promise.all(this.#sweepers().map((sweeper) => sweeper?.close()));
  }

  #open(name: string): { store: ObjectStore; sweeper: Sweeper | undefined } {
    const store = this.#own.with({ bucket: name });
    const sweeper = this.#createSweeper(store);
    if (this.#isStarted) sweeper?.start();
    return { store, sweeper };
  }

  #sweepers(): (Sweeper | undefined)[] {
    return [this.#ownSweeper, ...this.#others.values().map(({ sweeper }) => sweeper)];
  }
}
