/** Waits of less than this are left to those that follow: a timer for each piece would cost more than it gives. */
const SHORTEST_WAIT_MS = 5;

/**
 * So many bytes a second, and as many at once as make one second: whoever has been still may begin with these. Bytes are taken on
 * credit, and whoever took them waits until they are paid for; so those who share it go on in turn.
 */
export class TokenBucket {
  readonly #now: () => number;
  #bytesPerSecond: number;
  /** Bytes that may be taken without waiting; below zero: what is owed. */
  #tokens: number;
  #at: number;

  /** `now` in milliseconds, from anywhere. */
  constructor(bytesPerSecond: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = bytesPerSecond;
    this.#at = now();
  }

  /** Takes bytes. How long whoever moves them has to wait, in milliseconds. */
  take(bytes: number): number {
    this.#fill();
    this.#tokens -= bytes;
    const waitMs = Math.max(0, -this.#tokens / this.#bytesPerSecond) * 1000;
    return waitMs < SHORTEST_WAIT_MS ? 0 : waitMs;
  }

  /** What is owed stays owed. */
  setRate(bytesPerSecond: number): void {
    this.#fill();
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = Math.min(this.#tokens, bytesPerSecond);
  }

  /** How long it takes until nobody can tell it from a new one, in milliseconds. */
  get fullInMs(): number {
    this.#fill();
    return ((this.#bytesPerSecond - this.#tokens) / this.#bytesPerSecond) * 1000;
  }

  #fill(): void {
    const at = this.#now();
    const gained = ((at - this.#at) / 1000) * this.#bytesPerSecond;
    this.#tokens = Math.min(this.#bytesPerSecond, this.#tokens + gained);
    this.#at = at;
  }
}
