/** How long an item waits for those that are expected, in milliseconds. */
const PATIENCE_MS = 25;

export interface BatcherOptions<T> {
  /** Items in one batch at the most. */
  readonly maxItems: number;
  /** Bytes in one batch at the most; a larger item goes alone. */
  readonly maxBytes: number;
  readonly sizeOf: (item: T) => number;
  /** Sends a batch. Of each item, in order: undefined, or why it was not taken. Rejects when none was. */
  readonly send: (items: readonly T[]) => Promise<readonly (Error | undefined)[]>;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Sends things together that come at about the same time. An item waits only while another is expected, a little, so
 * one that comes alone is sent at once, however many follow each other.
 */
export class Batcher<T> {
  readonly #options: BatcherOptions<T>;
  readonly #sending = new Set<Promise<void>>();
  #waiting: Waiting<T>[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #expected = 0;

  constructor(options: BatcherOptions<T>) {
    this.#options = options;
  }

  /** Another item may come soon. Call the returned function, once, when it is about to be added, or will not come. */
  expect(): () => void {
    this.#expected += 1;
    return () => {
      this.#expected -= 1;
      // What comes in this very turn goes along.
      if (this.#expected === 0) setImmediate(() => this.#flushUnlessExpecting());
    };
  }

  /** Resolves once the item has been taken; rejects when it was not. */
  add(item: T): Promise<void> {
    const { maxItems, maxBytes, sizeOf } = this.#options;
    const bytes = sizeOf(item);
    if (this.#bytes + bytes > maxBytes) this.#flush();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#bytes += bytes;
      if (this.#waiting.length >= maxItems || this.#expected === 0) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), PATIENCE_MS);
    });
  }

  /** Resolves when everything that was added has been sent, or has failed. */
  async settled(): Promise<void> {
    this.#flush();
    await Promise.all(this.#sending);
  }

  #flushUnlessExpecting(): void {
    if (this.#expected === 0) this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const sending = this.#send(batch).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async #send(batch: readonly Waiting<T>[]): Promise<void> {
    try {
      const failures = await this.#options.send(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const failure = failures[index];
        if (failure === undefined) resolve();
        else reject(failure);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
