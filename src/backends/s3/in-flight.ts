import { Pipe } from './pipe.ts';

/** Requests without a body, copies within S3, that one upload may have under way. */
const MAX_TASKS = 16;

/** What one upload has under way to S3. */
export class InFlight {
  readonly #tasks = new Set<Promise<void>>();
  readonly #units = new Map<number, Promise<void>>();
  readonly #pipe = new Pipe();
  #bytes = 0;

  /** Adds a task that never rejects, and the memory that it holds, in bytes. */
  add(
    task: Promise<void>,
    { unit, bytes = 0 }: { readonly unit?: number; readonly bytes?: number } = {},
  ): void {
    this.#bytes += bytes;
    const delivered = bytes > 0 ? this.#pipe.send(bytes) : undefined;
    const settled: Promise<void> = task.then(() => {
      delivered?.();
      this.#bytes -= bytes;
      this.#tasks.delete(settled);
      if (unit !== undefined && this.#units.get(unit) === settled) this.#units.delete(unit);
    });
    this.#tasks.add(settled);
    if (unit !== undefined) this.#units.set(unit, settled);
  }

  /** Resolves when what is under way of a unit has settled; undefined when nothing is. */
  unit(index: number): Promise<void> | undefined {
    return this.#units.get(index);
  }

  /** A promise while too much is under way for `bytes` more. It resolves when one task has settled. */
  roomFor(bytes: number): Promise<void> | undefined {
    if (this.#tasks.size === 0) return undefined;
    if (this.#tasks.size < MAX_TASKS && this.#pipe.hasRoom(this.#bytes, bytes)) return undefined;
    return Promise.race(this.#tasks);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }
}
