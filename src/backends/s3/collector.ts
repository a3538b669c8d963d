import type { MemoryBudget } from '../../buffers/budget.ts';
import type { BufferPool } from '../../buffers/buffer-pool.ts';
import type { Spool } from '../../buffers/spool.ts';
import type { InFlight } from './in-flight.ts';
import { PartBuffer } from './part-buffer.ts';
import type { Unit } from './part-plan.ts';
import { SpooledPart } from './spooled-part.ts';

/** Until a file outgrows this, its first unit holds no more: a thousand small files do not hold a part each. */
export const SMALL_BYTES = 16 * 1024;

/** Units that one upload may have open: how many places its client may write at by turns. */
const MAX_OPEN_UNITS = 8;

export type OpenUnit = PartBuffer | SpooledPart;

export interface CollectorOptions {
  readonly budget: MemoryBudget;
  readonly pool: BufferPool;
  readonly spool: Spool | undefined;
  readonly inFlight: InFlight;
  readonly signal: AbortSignal;
  /** Puts a unit's bytes into the store as they are, without any more memory, and disposes of it. */
  readonly putAside: (part: PartBuffer) => Promise<void>;
}

/**
 * The units of one upload that are being filled. Each is in memory if there is some, else on disk, else it waits.
 * One that nobody has written to for a while is moved out of memory when others wait for it (docs/adr/0003-memory-budget.md).
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #units = new Map<number, OpenUnit>();
  readonly #holders = new Map<OpenUnit, () => void>();
  #moving: Promise<void> | undefined;
  #mayMove = true;
  #stillFor = 0;
  /** Whether this upload waits for memory itself. */
  #isQueued = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Set while a unit is being moved out of memory: nothing is to be done to the upload meanwhile. */
  get moving(): Promise<void> | undefined {
    return this.#moving;
  }

  get size(): number {
    return this.#units.size;
  }

  get(index: number): OpenUnit | undefined {
    return this.#units.get(index);
  }

  /** The unit that holds the byte at `offset`, if it is open. */
  at(offset: number): OpenUnit | undefined {
    for (const part of this.#units.values()) {
      if (offset >= part.unit.start && offset < part.unit.end) return part;
    }
    return undefined;
  }

  /** In the order of the file. */
  all(): OpenUnit[] {
    return [...this.#units.values()].sort((a, b) => a.unit.index - b.unit.index);
  }

  /** Opens a unit. A promise while there is no room: it may also resolve before the unit is open, to be asked again. */
  open(unit: Unit): Promise<void> | undefined {
    const { budget, inFlight } = this.#options;
    const bytes = bytesToOpen(unit);
    if (this.#units.size >= MAX_OPEN_UNITS) return this.putOldestAside();
    const room = inFlight.roomFor(bytes);
    if (room !== undefined) return room;
    if (!budget.tryReserve(bytes)) return this.#openWithoutMemory(unit, bytes);
    this.#add(this.#buffer(unit, bytes));
    return undefined;
  }

  /** Lets the first unit hold all of its bytes. May resolve before it does, as {@link open}. */
  enlarge(part: PartBuffer): Promise<void> | undefined {
    const { budget } = this.#options;
    const bytes = part.unit.end - part.unit.start;
    if (!budget.tryReserve(bytes)) return this.#enlargeWithoutMemory(part, bytes);
    part.enlarge(this.#options.pool.take(bytes));
    return undefined;
  }

  /** Goes on with a buffer that has been in S3 already. */
  reopen(unit: Unit, buffer: Buffer): void {
    const part = new PartBuffer(unit, this.#options.pool, buffer, { isReopened: true });
    part.written.add(0, buffer.length);
    this.#add(part);
  }

  /** The unit in memory, all of it; opened if need be. Waits for room. */
  async inMemory(unit: Unit): Promise<PartBuffer> {
    const { budget, signal } = this.#options;
    const found = this.#units.get(unit.index);
    const bytes = unit.end - unit.start;
    if (found === undefined) await budget.reserve(bytes, signal);
    const part = found === undefined ? this.#buffer(unit, bytes) : await this.load(found);
    if (part !== found) this.#add(part);
    return part;
  }

  /** The same of a unit that is open, or was until now. When that fails the unit is disposed of. */
  async load(part: OpenUnit): Promise<PartBuffer> {
    const { budget, pool, signal } = this.#options;
    const bytes = part.unit.end - part.unit.start;
    if (part instanceof PartBuffer && part.length === bytes) return part;
    try {
      await budget.reserve(bytes, signal, { isShortly: true });
    } catch (error) {
      await this.#remove(part).dispose();
      throw error;
    }
    const buffer = pool.take(bytes);
    if (part instanceof PartBuffer) {
      part.enlarge(buffer);
      return part;
    }
    try {
      await part.copyTo(buffer, part.unit.start);
    } catch (error) {
      pool.give(buffer);
      throw error;
    } finally {
      await this.#remove(part).dispose();
    }
    return new PartBuffer(part.unit, pool, buffer, part);
  }

  /** From now on the unit is somebody else's to dispose of. */
  remove(part: OpenUnit): void {
    this.#remove(part);
  }

  async drop(part: OpenUnit): Promise<void> {
    await this.#remove(part).dispose();
  }

  /** May also resolve before one is, as {@link open}. */
  async putOldestAside(): Promise<void> {
    if (this.#moving !== undefined) return await this.#moving;
    const all = [...this.#units.values()].sort((a, b) => a.lastUse - b.lastUse);
    const oldest = all.find((part) => part instanceof PartBuffer) ?? all[0];
    if (oldest === undefined) return;
    const part = oldest instanceof PartBuffer ? oldest : await this.inMemory(oldest.unit);
    this.#hold(part, false);
    await this.#options.putAside(part);
  }

  /** Does something that must see every unit where it is: nothing is moved meanwhile. It must not wait for memory. */
  async still<T>(work: () => Promise<T>): Promise<T> {
    this.#stillFor += 1;
    try {
      await this.#moving;
      return await work();
    } finally {
      this.#stillFor -= 1;
    }
  }

  /** The end has begun: nothing is moved any more. */
  async settle(): Promise<void> {
    this.#mayMove = false;
    for (const part of this.#units.values()) this.#hold(part, false);
    await this.#moving;
  }

  async discard(): Promise<void> {
    await this.settle();
    for (const part of this.all()) await this.drop(part);
  }

  /**
   * First a little patience, for memory that is about to come back; then the disk; then, rather than wait while it
   * holds memory itself, the upload puts a unit of its own aside; and one that holds nothing waits its turn.
   */
  async #openWithoutMemory(unit: Unit, bytes: number): Promise<void> {
    const { signal, spool, budget } = this.#options;
    if (await budget.reserveSoon(bytes, signal)) return this.#add(this.#buffer(unit, bytes));
    const file = await spool?.open(unit.end - unit.start);
    if (file !== undefined) return this.#add(new SpooledPart(unit, file));
    if (this.#units.size > 0) return await this.putOldestAside();
    await budget.reserve(bytes, signal);
    this.#add(this.#buffer(unit, bytes));
  }

  async #enlargeWithoutMemory(part: PartBuffer, bytes: number): Promise<void> {
    const { budget, pool, signal } = this.#options;
    const isReserved = await this.#queued(() => budget.reserveSoon(bytes, signal));
    await this.#moving;
    if (!isReserved) {
      if (this.#units.get(part.unit.index) !== part) return;
      if (this.#stillFor === 0 && (await this.#whileMoving(this.#moveToDisk(part)))) return;
      this.#hold(part, true);
      await this.#queued(async () => budget.reserve(bytes, signal));
      await this.#moving;
    }
    // It may have been moved out meanwhile.
    if (this.#units.get(part.unit.index) === part) part.enlarge(pool.take(bytes));
    else budget.release(bytes);
  }

  async #queued<T>(wait: () => Promise<T>): Promise<T> {
    this.#isQueued = true;
    try {
      return await wait();
    } finally {
      this.#isQueued = false;
    }
  }

  #buffer(unit: Unit, bytes: number): PartBuffer {
    const { pool } = this.#options;
    return new PartBuffer(unit, pool, pool.take(bytes));
  }

  #add(part: OpenUnit): void {
    this.#units.set(part.unit.index, part);
    this.#hold(part, true);
    if (!this.#options.signal.aborted) return;
    void this.#remove(part).dispose();
    throw this.#options.signal.reason;
  }

  #remove<T extends OpenUnit>(part: T): T {
    this.#hold(part, false);
    if (this.#units.get(part.unit.index) === part) this.#units.delete(part.unit.index);
    return part;
  }

  /** Whether the budget may ask for the unit's memory. */
  #hold(part: OpenUnit, mayBeMoved: boolean): void {
    if (!(part instanceof PartBuffer)) return;
    this.#holders.get(part)?.();
    this.#holders.delete(part);
    if (!mayBeMoved || !this.#mayMove) return;
    const isQueued = () => this.#isQueued;
    const holder = {
      get lastUse() {
        return part.lastUse;
      },
      get isQueued() {
        return isQueued();
      },
      moveOut: () => this.#moveOut(part),
    };
    this.#holders.set(part, this.#options.budget.addHolder(holder));
  }

  #moveOut(part: PartBuffer): void {
    if (this.#stillFor > 0) {
      this.#hold(part, true);
      return;
    }
    if (this.#moving !== undefined) {
      void this.#moving.then(() => this.#hold(part, this.#units.get(part.unit.index) === part));
      return;
    }
    const moved = this.#moveToDisk(part).then((done) => (done ? undefined : this.#options.putAside(part)));
    // Whatever failed has failed the upload, which its next call meets.
    this.#whileMoving(moved).catch(() => undefined);
  }

  async #whileMoving<T>(move: Promise<T>): Promise<T> {
    this.#moving = Promise.allSettled([move]).then(() => {
      this.#moving = undefined;
    });
    return await move;
  }

  /** False when there is no room on disk, or the disk does not take it. */
  async #moveToDisk(part: PartBuffer): Promise<boolean> {
    this.#hold(part, false);
    const file = await this.#options.spool?.open(part.unit.end - part.unit.start);
    if (file === undefined) return false;
    try {
      this.#units.set(part.unit.index, await part.spool(file));
    } catch {
      await file.close();
      return false;
    }
    part.dispose();
    return true;
  }
}

/** Bytes to reserve before a unit is opened: all of it, except for the first, which starts small. */
function bytesToOpen({ index, start, end }: Unit): number {
  return index === 0 ? Math.min(SMALL_BYTES, end - start) : end - start;
}
