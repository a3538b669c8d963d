import { KiB, MiB } from '../../clients/ssh2-client.ts';
import type { Dice } from '../../support/dice.ts';

export interface PlannedUpload {
  readonly path: string;
  readonly temporary?: string;
  readonly size: number;
}

/** Names that a client keeps for files of several parts: S3 holds them in memory. */
const LARGE_NAMES = 4;

/** Decides what one client sends next, all under names that no other client uses. */
export class UploadPlan {
  readonly #dice: Dice;
  readonly #client: string;
  /** Uploads that go under a temporary name first, from 0 to 1. */
  readonly #staged: number;
  readonly #known: string[] = [];
  readonly #empty = new Set<string>();

  constructor(dice: Dice, client: string, staged: number) {
    this.#dice = dice;
    this.#client = client;
    this.#staged = staged;
  }

  next(): PlannedUpload {
    const size = this.#size();
    const path = this.#path(size);
    const isStaged = this.#dice.chance(this.#staged);
    return { path, size, ...(isStaged ? { temporary: `${path}.filepart` } : {}) };
  }

  #size(): number {
    const roll = this.#dice.next();
    if (roll < 0.1) return 0;
    if (roll < 0.6) return 4 * KiB;
    if (roll < 0.85) return this.#dice.between(1, 300 * KiB);
    return this.#dice.between(6 * MiB, 20 * MiB);
  }

  /** Half of them are new. Two empty files of one name could not be told apart, so each name has one at the most. */
  #path(size: number): string {
    if (size >= MiB) return `/${this.#client}-large-${this.#dice.between(1, LARGE_NAMES)}`;
    const known = this.#known.filter((path) => size > 0 || !this.#empty.has(path));
    const isNew = known.length === 0 || this.#dice.chance(0.5);
    const path = isNew ? `/${this.#client}-${this.#known.length + 1}` : this.#dice.pick(known);
    if (isNew) this.#known.push(path);
    if (size === 0) this.#empty.add(path);
    return path;
  }
}
