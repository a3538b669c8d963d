export interface WaitOptions {
  readonly timeoutMs?: number;
}

interface Waiter<T> {
  readonly predicate: (entry: T) => boolean;
  readonly settle: (entry: T) => void;
  readonly fail: (error: unknown) => void;
}

/** Keeps what happened, in order, and lets a test wait for what it needs without polling or sleeping. */
export class Recorder<T> {
  entries: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();
  readonly #describe: (entry: T) => string;

  /** @param describe names an entry in the message of a wait that timed out */
  constructor(describe: (entry: T) => string) {
    this.#describe = describe;
  }

  add(entry: T): void {
    this.entries.push(entry);
    this.changed(entry);
  }

  /** Offers an entry, new or changed, to those who wait. */
  changed(entry: T): void {
    for (const waiter of this.#waiters) {
      try {
        if (waiter.predicate(entry)) waiter.settle(entry);
      } catch (error) {
        waiter.fail(error);
      }
    }
  }

  /** Resolves with the first entry that matches, recorded already or still to come. */
  waitFor(predicate: (entry: T) => boolean, { timeoutMs = 10_000 }: WaitOptions = {}): Promise<T> {
    const present = this.entries.find(predicate);
    if (present !== undefined) return Promise.resolve(present);
    return new Promise<T>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter<T> = {
        predicate,
        settle: (entry) => {
          stop();
          resolve(entry);
        },
        fail: (error) => {
          stop();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        const seen = this.entries.slice(-20).map(this.#describe).join(', ') || 'nothing';
        waiter.fail(new Error(`No match within ${timeoutMs} ms; last seen: ${seen}`));
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }
}
