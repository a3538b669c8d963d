import { FsError } from '../contract/errors.ts';

/** How long nothing may come back while somebody waits, before the first in line is refused, in milliseconds. */
const PATIENCE_MS = 30_000;

interface Waiting {
  readonly bytes: number;
  readonly grant: () => void;
  readonly refuse: (reason: unknown) => void;
}

/**
 * The process-wide allowance for buffered bytes. Whoever wants to hold a buffer reserves its size first and
 * waits, first come first served, while there is none; nothing here allocates.
 *
 * No deadlock: what is reserved is on its way to the store and comes back, or belongs to a part that fills. Should
 * every part that holds memory stop filling, nothing comes back; after 30 seconds of that the first in line is
 * refused with `EBUSY`, so that nobody waits for what cannot come (docs/adr/0003-memory-budget.md).
 */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #patienceMs: number;
  readonly #waiting: Waiting[] = [];
  #used = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(limitBytes: number, patienceMs = PATIENCE_MS) {
    this.limitBytes = limitBytes;
    this.#patienceMs = patienceMs;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /**
   * Reserves `bytes`. A promise resolves when they are there; it rejects with the signal's reason when that is
   * aborted first, and with `EBUSY` when nothing comes back. More than the whole budget is granted once nothing
   * else is reserved.
   */
  reserve(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#used += bytes;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        signal.removeEventListener('abort', cancel);
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        if (this.#waiting.length === 0) this.#watchOn();
      };
      const entry: Waiting = {
        bytes,
        grant: () => {
          leave();
          this.#used += bytes;
          resolve();
        },
        refuse: (reason) => {
          leave();
          reject(reason);
        },
      };
      const cancel = () => {
        entry.refuse(signal.reason);
        this.#grantWaiting();
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.#waiting.push(entry);
      if (this.#watch === undefined) this.#watchOn();
    });
  }

  /** Reserves `bytes` if they fit and nobody waits; whether it did. For those who can do with less. */
  tryReserve(bytes: number): boolean {
    if (this.#waiting.length > 0 || this.#used + bytes > this.limitBytes) return false;
    this.#used += bytes;
    return true;
  }

  /**
   * Reserves `bytes` at once, past the limit if need be: for an upload that holds half-filled parts and so must
   * not wait. A rejection, `EBUSY`, when twice the limit is used.
   */
  overdraw(bytes: number): Promise<void> | undefined {
    if (this.#used + bytes > 2 * this.limitBytes) {
      return Promise.reject(new FsError('EBUSY', 'no memory for writes that are out of order'));
    }
    this.#used += bytes;
    return undefined;
  }

  release(bytes: number): void {
    this.#used -= bytes;
    this.#grantWaiting();
    this.#watchOn();
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.limitBytes;
  }

  #grantWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      next.grant();
    }
  }

  /** Starts to watch anew whether anything comes back, as long as somebody waits for it. */
  #watchOn(): void {
    clearTimeout(this.#watch);
    this.#watch = undefined;
    if (this.#waiting.length === 0) return;
    this.#watch = setTimeout(() => {
      this.#waiting[0]?.refuse(new FsError('EBUSY', 'no memory came free in time'));
      this.#grantWaiting();
      this.#watchOn();
    }, this.#patienceMs);
    this.#watch.unref();
  }
}
