import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

type Undo = () => Promise<void> | void;

/** What has to be undone when the bench ends, however it ends: processes and temporary files. */
export class Cleanup {
  readonly #undos = new Set<Undo>();
  #running: Promise<void> | undefined;

  /** The bench is ending: work that fails now fails because of that. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Adds something to undo; call what it returns to undo it earlier. */
  add(undo: Undo): () => Promise<void> {
    this.#undos.add(undo);
    return async () => {
      if (this.#undos.delete(undo)) await undo();
    };
  }

  /** A temporary folder below `parent`. */
  async folder(parent: string): Promise<{ readonly path: string; remove(): Promise<void> }> {
    const path = await mkdtemp(join(parent, 'sluice-bench-'));
    return { path, remove: this.add(() => rmSync(path, { recursive: true, force: true })) };
  }

  /** Runs `work` with a cleanup of its own, which is undone when that has ended, or the bench before it. */
  async within<T>(work: (own: Cleanup) => Promise<T>): Promise<T> {
    const own = new Cleanup();
    const leave = this.add(() => own.run());
    try {
      return await work(own);
    } finally {
      await leave();
    }
  }

  /** Undoes everything, the latest first; never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    for (const undo of [...this.#undos].reverse()) {
      // Meanwhile someone else may have undone it.
      if (!this.#undos.delete(undo)) continue;
      try {
        await undo();
      } catch (error) {
        process.stderr.write(`could not clean up: ${error instanceof Error ? error.message : error}\n`);
      }
    }
  }
}
