/**
 * The process-wide allowance for buffered bytes. Whoever wants to hold a buffer reserves its size first and
 * waits, first come first served, while there is none; nothing here allocates.
 *
 * No deadlock: a reservation is only waited for by an upload that holds no half-filled buffer, so whatever is
 * reserved is on its way to the store and comes back. An upload that does hold one (its client writes out of
 * order) takes the next without waiting, by `overdraw`, and may do so only a few times (docs/adr/0003).
 */
export class MemoryBudget {
  readonly limitBytes: number;
  #used = 0;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /**
   * Reserves `bytes`. A promise resolves when they are there; it rejects with the signal's reason when that is
   * aborted first. More than the whole budget is granted once nothing else is reserved.
   */
  reserve(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#used += bytes;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const entry = {
        bytes,
        grant: () => {
          signal.removeEventListener('abort', cancel);
          this.#used += bytes;
          resolve();
        },
      };
      const cancel = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        this.#grantWaiting();
        reject(signal.reason);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', cancel, { once: true });
      this.#waiting.push(entry);
    });
  }

  /** Reserves `bytes` at once, past the limit if need be. */
  overdraw(bytes: number): void {
    this.#used += bytes;
  }

  release(bytes: number): void {
    this.#used -= bytes;
    this.#grantWaiting();
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.limitBytes;
  }

  #grantWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      next.grant();
    }
  }
}
