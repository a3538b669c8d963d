/** How far back a rate looks, in milliseconds: long enough to be calm, short enough to show a stall. */
const WINDOW_MS = 5000;

/** Bytes a second over the last few seconds, from totals that are told now and then. */
export class Rate {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  add(at: number, bytes: number): void {
    this.#samples.push({ at, bytes });
    this.#forget(at);
  }

  /** Undefined until there is something to compare. Falls to 0 when nothing comes any more. */
  at(now: number): number | undefined {
    this.#forget(now);
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || now - first.at < 400) return undefined;
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (now - first.at));
  }

  /** Keeps one sample from before the window: what has come since then is what counts. */
  #forget(now: number): void {
    while ((this.#samples[1]?.at ?? Number.POSITIVE_INFINITY) <= now - WINDOW_MS) this.#samples.shift();
  }
}
