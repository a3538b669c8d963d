import { FsError } from '../contract/errors.ts';
import type { Fault, FaultRule, PlannedCall } from './fault-rule.ts';

/** One rule in force: which calls are due, and what becomes of them. */
export class SetRule implements Fault {
  hits = 0;
  readonly #rule: FaultRule;
  readonly #random: () => number;
  readonly #onRelease: () => void;
  readonly #released: Promise<void>;
  readonly #waiting = new Set<{ readonly hits: number; readonly resolve: () => void }>();
  #letGo: () => void = () => undefined;
  #matched = 0;

  constructor(rule: FaultRule, random: () => number, onRelease: () => void) {
    this.#rule = rule;
    this.#random = random;
    this.#onRelease = onRelease;
    this.#released = new Promise((resolve) => {
      this.#letGo = resolve;
    });
  }

  /** Counts the call if it matches; true when it is to be struck. */
  isDue(call: PlannedCall): boolean {
    if (!this.#matches(call)) return false;
    this.#matched += 1;
    const { nth, times, chance } = this.#rule;
    const first = nth ?? 1;
    const last = first + (times ?? (nth === undefined ? Number.POSITIVE_INFINITY : 1)) - 1;
    if (this.#matched < first || this.#matched > last) return false;
    return chance === undefined || this.#random() < chance;
  }

  /** `work` of an operation that gives a promise, or may; struck, it gives one, but for what is thrown at once. */
  strikeAround<Result>(call: PlannedCall, work: () => Result): Result {
    const atOnce = 'throws' in this.#rule && this.#rule.at !== 'answer';
    return atOnce ? this.throwAround(call, work) : (this.#playAround(call, work) as Result);
  }

  /** `work` of an operation that answers at once. */
  throwAround<Result>(call: PlannedCall, work: () => Result): Result {
    if (this.#rule.at === 'answer') work();
    this.#count();
    throw this.#error(call);
  }

  reached(hits = 1): Promise<void> {
    if (this.hits >= hits) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ hits, resolve }));
  }

  release(): void {
    this.#onRelease();
    this.#letGo();
  }

  async #playAround<Result>(call: PlannedCall, work: () => Result): Promise<Awaited<Result>> {
    if (this.#rule.at !== 'answer') {
      await this.#strike(call);
      return await work();
    }
    const result = await work();
    await this.#strike(call);
    return result;
  }

  async #strike(call: PlannedCall): Promise<void> {
    this.#count();
    if (!('hang' in this.#rule)) throw this.#error(call);
    await Promise.race([this.#released, rejectOnAbort(call)]);
  }

  #error({ operation, path }: PlannedCall): unknown {
    if ('throws' in this.#rule) return this.#rule.throws;
    const code = 'fail' in this.#rule ? this.#rule.fail : 'EIO';
    return new FsError(code, 'injected by a test', { operation, path });
  }

  #count(): void {
    this.hits += 1;
    for (const waiter of this.#waiting) if (this.hits >= waiter.hits) waiter.resolve();
  }

  #matches({ operation, path }: PlannedCall): boolean {
    const { operation: operations, path: expected } = this.#rule;
    if (operations !== undefined && ![operations].flat().includes(operation)) return false;
    if (expected === undefined) return true;
    if (typeof expected === 'string') return expected === path;
    return typeof expected === 'function' ? expected(path) : expected.test(path);
  }
}

function rejectOnAbort({ operation, path, signal }: PlannedCall): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(new FsError('ECANCELED', 'nobody waits', { operation, path }));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}
