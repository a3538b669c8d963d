/**
 * How long a client that has just been answered may take for what belongs to it, in milliseconds: a file that was closed is
 * renamed to its own name, is given its times, or is looked at to see whether it is whole.
 */
export const LULL_MS = 2_000;

export interface PartingOptions {
  /** Whether nothing is to be waited for any more. */
  readonly isOver: () => boolean;
  /** When the last answer was sent, by `performance.now()`; undefined while the client has anything open or due. */
  readonly quietSince: () => number | undefined;
}

/** Finds the moment at which a session may be ended without harm to its client. */
export class Parting {
  readonly isDue: Promise<void>;
  readonly #options: PartingOptions;
  #lull: NodeJS.Timeout | undefined;
  #resolve = (): void => undefined;

  constructor(options: PartingOptions) {
    this.#options = options;
    this.isDue = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.look();
  }

  /** To be called whenever something may have changed. */
  look(): void {
    clearTimeout(this.#lull);
    const { isOver, quietSince } = this.#options;
    if (isOver()) return void this.#resolve();
    const since = quietSince();
    if (since === undefined) return;
    const left = since + LULL_MS - performance.now();
    if (left <= 0) this.#resolve();
    else this.#lull = setTimeout(() => this.look(), Math.ceil(left));
  }
}
