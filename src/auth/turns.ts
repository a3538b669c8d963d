/** Sources that are remembered for having been right. */
const MAX_TRUSTED = 10_000;

interface Waiting {
  readonly begin: () => void;
}

/**
 * Who has their password checked next, where all of them together would take the processor for minutes. Sources take turns, so one that
 * sends many waits for itself; and every other turn is of one that was right before, so a crowd of new ones does not keep those out.
 */
export class Turns {
  readonly #atOnce: number;
  /** By source, the one whose turn comes next first. */
  readonly #trusted = new Map<string, Waiting[]>();
  readonly #others = new Map<string, Waiting[]>();
  /** Sources that were right, the one that was so longest ago first. */
  readonly #right = new Set<string>();
  #running = 0;
  #wasTrusted = false;

  /** `atOnce`: how many are checked at the same time. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Runs `work` when it is its turn, and settles as that does. */
  async take<T>(source: string, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) await new Promise<void>((begin) => this.#wait(source, { begin }));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#running -= 1;
      else next.begin();
    }
  }

  /** What came from there was right. */
  trust(source: string): void {
    this.#right.delete(source);
    this.#right.add(source);
    for (const oldest of this.#right) {
      if (this.#right.size <= MAX_TRUSTED) break;
      this.#right.delete(oldest);
    }
  }

  #next(): Waiting | undefined {
    const lines = this.#wasTrusted ? [this.#others, this.#trusted] : [this.#trusted, this.#others];
    const line = lines.find(({ size }) => size > 0);
    this.#wasTrusted = line === this.#trusted;
    return line && nextOf(line);
  }

  #wait(source: string, waiting: Waiting): void {
    const line = this.#right.has(source) ? this.#trusted : this.#others;
    const before = line.get(source);
    if (before === undefined) line.set(source, [waiting]);
    else before.push(waiting);
  }
}

/** The first of the source whose turn it is, which goes to the end of the line. */
function nextOf(line: Map<string, Waiting[]>): Waiting | undefined {
  for (const [source, waiting] of line) {
    const first = waiting.shift();
    line.delete(source);
    if (waiting.length > 0) line.set(source, waiting);
    return first;
  }
  return undefined;
}
