/** Units that are worth having on their way in any case: one goes while the next one fills. */
const LEAST_UNITS = 2;

/** Bytes beyond which nothing more is worth it, however far the store is: 320 MiB/s at 100 ms. */
const MOST_BYTES = 32 * 1024 * 1024;

/** More than the store has been seen to carry: or it would never be seen to carry more. */
const GAIN = 2;

/** Of how many deliveries the rate is taken. */
const RATES = 8;

/** For how long an answer without a queue is believed, in milliseconds. */
const TRUST_MS = 10_000;

/**
 * How much of one upload has to be on its way to keep the store busy: what it takes in the time of an answer, as long as nothing queues
 * there. That is a unit or two when it is near, or as busy as can be, and dozens of MiB when an answer takes 100 ms. Anything more would
 * only wait there, and hold memory. After N. Cardwell et al., "BBR: Congestion-Based Congestion Control" (2016).
 */
export class Pipe {
  readonly #now: () => number;
  /** Bytes a millisecond, of everything that was delivered while a unit was on its way; the latest last. */
  readonly #rates: number[] = [];
  #delivered = 0;
  /** The shortest time of an answer, and when it was seen. */
  #answerMs = Number.POSITIVE_INFINITY;
  #answeredAt = 0;

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether it is worth sending a unit of `bytes` while `underWay` bytes are on their way. */
  hasRoom(underWay: number, bytes: number): boolean {
    if (this.#isToBeFoundOut) return underWay === 0;
    return underWay + bytes <= Math.max(LEAST_UNITS * bytes, Math.min(this.#carried, MOST_BYTES));
  }

  /** A unit of `bytes` is on its way; call the returned function when the store has answered. */
  send(bytes: number): () => void {
    const [sentAt, before] = [this.#now(), this.#delivered];
    return () => {
      this.#delivered += bytes;
      const now = this.#now();
      const ms = Math.max(now - sentAt, 1);
      this.#rates.push((this.#delivered - before) / ms);
      if (this.#rates.length > RATES) this.#rates.shift();
      // What is sent once trust is over goes alone, and finds no queue.
      if (ms > this.#answerMs && sentAt <= this.#answeredAt + TRUST_MS) return;
      this.#answerMs = ms;
      this.#answeredAt = now;
    };
  }

  /** Whether nobody has answered without a queue for so long that one unit has to go alone. */
  get #isToBeFoundOut(): boolean {
    return this.#rates.length > 0 && this.#now() > this.#answeredAt + TRUST_MS;
  }

  /** Bytes; nothing before the first answer. */
  get #carried(): number {
    if (this.#rates.length === 0) return 0;
    const rates = [...this.#rates].sort((a, b) => a - b);
    return GAIN * (rates[Math.floor(rates.length / 2)] ?? 0) * this.#answerMs;
  }
}
