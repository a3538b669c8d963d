import { FsError } from '../contract/errors.ts';
import type { MemoryAllowance } from '../contract/memory.ts';

/** How long nothing may come back while somebody waits, before the first in line is refused, in milliseconds. */
const PATIENCE_MS = 30_000;

/** How long {@link MemoryBudget.reserveSoon} waits, in milliseconds. */
const SOON_MS = 1000;

/** How often, while somebody waits, a buffer that nobody fills is asked to move elsewhere, in milliseconds. */
const RELIEF_MS = 250;

/** How long nothing may come back before even the buffers of those who wait are asked to move, in milliseconds. */
const STUCK_MS = 10_000;

/** How long nobody must have written into a buffer before it is asked to move, in milliseconds. */
const IDLE_MS = 5_000;

/**
 * How long what was held without asking counts after it is gone, in milliseconds: the allocator does not give it back
 * at once, and a thousand connections that end one after the other would leave their holes beside a full budget.
 */
const LINGER_MS = 30_000;

interface Waiting {
  readonly bytes: number;
  readonly isShortly: boolean;
  readonly grant: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** A buffer that fills at its client's pace: it can be moved out of memory when others wait for it. */
export interface Holder {
  /** When it was last written to, as `performance.now()`. */
  readonly lastUse: number;
  /** Whether its upload waits for memory itself: it fills once it has its turn, and is moved only if that does not come. */
  readonly isQueued: boolean;
  /** Puts the bytes elsewhere and releases the memory, by and by. Never called twice, never rejects. */
  moveOut(): void;
}

/** Bytes that are kept because there is room, and dropped without loss when there is not. */
export interface Parked {
  /** Makes them an ordinary reservation again; false when they have been dropped. */
  take(): boolean;
}

export interface BudgetTimes {
  readonly patienceMs?: number;
  readonly reliefMs?: number;
  readonly idleMs?: number;
  readonly stuckMs?: number;
  readonly soonMs?: number;
  readonly lingerMs?: number;
}

/**
 * The process-wide allowance for buffered bytes. Whoever wants to hold a buffer reserves its size first and
 * waits, first come first served, while there is none; nothing here allocates.
 *
 * No deadlock: what is reserved is on its way to the store and comes back, or belongs to a buffer that fills and that
 * can be moved out of memory at any time without any more of it ({@link Holder}). Should nothing come back for 30
 * seconds all the same, nor is filled, the first in line is refused with `EBUSY` (docs/adr/0003-memory-budget.md).
 */
export class MemoryBudget implements MemoryAllowance {
  readonly limitBytes: number;
  /** Of {@link park}. */
  readonly maxParkedBytes: number;
  readonly #times: Required<BudgetTimes>;
  readonly #waiting: Waiting[] = [];
  readonly #holders = new Set<Holder>();
  readonly #parked = new Set<{ readonly bytes: number; readonly drop: () => void }>();
  #used = 0;
  #parkedBytes = 0;
  #charged = 0;
  #refusal: NodeJS.Timeout | undefined;
  /** When something came back last, or somebody began to wait for it, as `performance.now()`. */
  #movedAt = 0;
  #relief: NodeJS.Timeout | undefined;

  constructor(limitBytes: number, times: BudgetTimes = {}) {
    this.limitBytes = limitBytes;
    this.maxParkedBytes = limitBytes / 8;
    this.#times = {
      patienceMs: PATIENCE_MS,
      reliefMs: RELIEF_MS,
      idleMs: IDLE_MS,
      stuckMs: STUCK_MS,
      soonMs: SOON_MS,
      lingerMs: LINGER_MS,
      ...times,
    };
  }

  /** Reserved, not counting what is parked. */
  get usedBytes(): number {
    return this.#used;
  }

  /** Reservations that wait for memory. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get parkedBytes(): number {
    return this.#parkedBytes;
  }

  /** Reserved or not: all but what is held without asking. */
  get reservableBytes(): number {
    return this.limitBytes - Math.min(this.#charged, (this.limitBytes * 3) / 4);
  }

  /**
   * Accounts for bytes that are held without asking, which leave so much less to be reserved; but never less than
   * a quarter of the budget. Call the returned function when they are gone; they count for 30 seconds more.
   */
  charge(bytes: number): () => void {
    this.#charged += bytes;
    this.#dropParked(() => this.#used + this.#parkedBytes > this.reservableBytes);
    const end = () => {
      this.#charged -= bytes;
      this.#grantWaiting();
    };
    return () => void setTimeout(end, this.#times.lingerMs).unref();
  }

  /** Reserves `bytes` if they are there at once and nobody waits for them. */
  tryReserve(bytes: number): boolean {
    if (this.#waiting.length > 0 || this.#used + bytes > this.reservableBytes) return false;
    this.#take(bytes);
    return true;
  }

  /**
   * Reserves `bytes`. A promise resolves when they are there; it rejects with the signal's reason when that is
   * aborted first, and with `EBUSY` when nothing comes back. More than the whole budget is granted once nothing
   * else is reserved. Who needs it only `isShortly`, to send what lies elsewhere, goes before those who will fill it.
   */
  reserve(bytes: number, signal: AbortSignal, { isShortly = false } = {}): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#take(bytes);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        signal.removeEventListener('abort', cancel);
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        if (this.#waiting.length === 0) this.#stopWatching();
      };
      const entry: Waiting = {
        bytes,
        isShortly,
        grant: () => {
          leave();
          this.#take(bytes);
          resolve();
        },
        refuse: (reason) => {
          leave();
          reject(reason);
        },
      };
      const cancel = () => {
        entry.refuse(signal.reason);
        this.#grantWaiting();
      };
      signal.addEventListener('abort', cancel, { once: true });
      const behind = isShortly ? this.#waiting.findIndex((other) => !other.isShortly) : -1;
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, entry);
      if (this.#refusal === undefined) this.#expectRelease();
      this.#relief ??= setInterval(() => this.#relieve(), this.#times.reliefMs).unref();
    });
  }

  /** As {@link reserve}, for whoever has another way out: false after a second without. */
  async reserveSoon(bytes: number, signal: AbortSignal): Promise<boolean> {
    const soon = AbortSignal.timeout(this.#times.soonMs);
    try {
      await this.reserve(bytes, AbortSignal.any([signal, soon]));
      return true;
    } catch (error) {
      if (signal.aborted || !soon.aborted) throw error;
      return false;
    }
  }

  release(bytes: number): void {
    this.#used -= bytes;
    this.#grantWaiting();
    if (this.#waiting.length > 0) this.#expectRelease();
  }

  /** A reserved buffer says that it can be moved out; call the returned function when it cannot any more. */
  addHolder(holder: Holder): () => void {
    this.#holders.add(holder);
    return () => void this.#holders.delete(holder);
  }

  /**
   * Turns a reservation into one that lasts as long as nobody else needs the memory: at most an eighth of the budget
   * in all, the oldest go first. `drop` is told when it ends, which may be at once.
   */
  park(bytes: number, drop: () => void): Parked {
    const entry = { bytes, drop };
    this.#parked.add(entry);
    this.#parkedBytes += bytes;
    this.#dropParked(() => this.#parkedBytes > this.maxParkedBytes);
    this.release(bytes);
    return {
      take: () => {
        if (!this.#parked.delete(entry)) return false;
        this.#parkedBytes -= bytes;
        this.#used += bytes;
        return true;
      },
    };
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.reservableBytes;
  }

  #take(bytes: number): void {
    this.#used += bytes;
    this.#dropParked(() => this.#used + this.#parkedBytes > this.reservableBytes);
  }

  #dropParked(isTooMuch: () => boolean): void {
    for (const entry of this.#parked) {
      if (!isTooMuch()) return;
      this.#parked.delete(entry);
      this.#parkedBytes -= entry.bytes;
      entry.drop();
    }
  }

  #grantWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      next.grant();
    }
  }

  /** Asks the buffer that has been idle longest to move out, one at a time: the next round sees what came of it. */
  #relieve(): void {
    const now = performance.now();
    const isStuck = now - this.#movedAt >= this.#times.stuckMs;
    let idlest: Holder | undefined;
    for (const holder of this.#holders) {
      if (now - holder.lastUse < this.#times.idleMs || (holder.isQueued && !isStuck)) continue;
      if (idlest === undefined || holder.lastUse < idlest.lastUse) idlest = holder;
    }
    if (idlest === undefined) return;
    this.#holders.delete(idlest);
    idlest.moveOut();
  }

  /** Starts to wait anew for something to come back. */
  #expectRelease(): void {
    clearTimeout(this.#refusal);
    this.#movedAt = performance.now();
    this.#refusal = setTimeout(() => {
      this.#refusal = undefined;
      if (!this.#isFilling()) this.#waiting[0]?.refuse(new FsError('EBUSY', 'no memory came free in time'));
      this.#grantWaiting();
      if (this.#waiting.length > 0) this.#expectRelease();
    }, this.#times.patienceMs);
    this.#refusal.unref();
  }

  /** Whether a buffer is being filled, however slowly: its memory will come back. */
  #isFilling(): boolean {
    const since = performance.now() - this.#times.patienceMs;
    return [...this.#holders].some(({ lastUse }) => lastUse > since);
  }

  #stopWatching(): void {
    clearTimeout(this.#refusal);
    clearInterval(this.#relief);
    this.#refusal = undefined;
    this.#relief = undefined;
  }
}
