import type { Log } from '../contract/log.ts';
import type { OutboxStore, RecordEntry } from '../contract/outbox-store.ts';
import { Note } from '../contract/types.ts';
import type { JobEvent } from './event.ts';
import { type EventSender, MessageRefusedError } from './event-sender.ts';
import { OUTBOX, type OutboxRecord, parseRecord, REFUSED, toRecordTime } from './outbox-record.ts';
import { completeEvent } from './to-event.ts';

/** A record that was not written for so long may be taken by any task, in milliseconds. */
const LEASE_MS = 30_000;
/** Between sweeps, in milliseconds: where nothing is known to wait; and where something is, at first and longer each time. */
const IDLE_MS = 30_000;
const BUSY_MS = 2_000;
/** A prepared record whose file has not come for so long after its CLOSE is that of a task that died, in milliseconds. */
const ABANDONED_MS = 3_600_000;
/** Records that are handled at once: as many as go in a few requests to the queue. */
const AT_ONCE = 40;
/** Records that are counted, and no more than that, once it is clear that nothing can be delivered at present. */
const MAX_COUNTED = 100_000;
/** Records of this process that it delivers before their lease ends; beyond, they wait for it. */
const MAX_OWN = 10_000;

export interface OutboxOptions {
  readonly store: OutboxStore;
  readonly sender: EventSender;
  readonly log: Log;
  readonly now?: () => number;
}

export interface SweepResult {
  readonly delivered: number;
  /** Set aside: refused by the queue, or unreadable. */
  readonly refused: number;
  readonly failed: number;
  /** Left to the task that has them, or until their file is there. */
  readonly waiting: number;
}

/** What lay in the outbox when it was swept last. */
export interface OutboxState {
  /** Records, of all tasks; counted up to 100,000 while nothing can be delivered. */
  readonly depth: number;
  /** When the event of the oldest one came to be, in milliseconds since the epoch; undefined when there is none. */
  readonly oldestAt: number | undefined;
}

type Outcome = keyof SweepResult | 'gone';

const STAYS: readonly Outcome[] = ['failed', 'waiting'];

/**
 * Delivers what waits in the outbox. Any number of tasks may sweep: whoever writes a record anew has it for a while, and of two
 * that try at once one fails (a store that knows no `If-Match` lets both, and the queue has it twice, with one id).
 */
export class OutboxSweeper {
  readonly #options: OutboxOptions;
  readonly #stop = new AbortController();
  /** Of this process: nobody else has them yet. */
  readonly #own = new Set<string>();
  #running: Promise<SweepResult> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #pauseMs = BUSY_MS;
  #state: OutboxState = { depth: 0, oldestAt: undefined };

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get state(): OutboxState {
    const { depth, oldestAt } = this.#state;
    return { depth: Math.max(depth, this.#own.size), oldestAt };
  }

  /** A record of this process waits to be delivered. */
  expect(name: string): void {
    if (this.#own.size < MAX_OWN) this.#own.add(name);
    if (performance.now() + this.#pauseMs < this.#dueAt) this.#schedule(this.#pauseMs);
  }

  /** The queue takes events again. */
  hurry(): void {
    this.#pauseMs = BUSY_MS;
    if (this.#own.size > 0) this.#schedule(0);
  }

  start(): void {
    this.#schedule(Math.random() * BUSY_MS);
    void this.#reportRefused();
  }

  /** Never rejects. One at a time; a second call joins the first. */
  sweep(): Promise<SweepResult> {
    this.#running ??= this.#sweep().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#dueAt = performance.now() + delayMs;
    this.#timer = setTimeout(() => void this.#tick(), delayMs);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    const { failed } = await this.sweep();
    this.#pauseMs = failed > 0 ? Math.min(this.#pauseMs * 2, IDLE_MS) : BUSY_MS;
    this.#schedule(failed > 0 || this.#own.size > 0 ? this.#pauseMs : IDLE_MS);
  }

  async #sweep(): Promise<SweepResult> {
    const { store, log } = this.#options;
    const counts = { delivered: 0, refused: 0, failed: 0, waiting: 0, gone: 0 };
    const unseen = new Set(this.#own);
    let failedInARow = 0;
    let depth = 0;
    let oldestAt: number | undefined;
    const stays = ({ name }: RecordEntry) => {
      depth += 1;
      oldestAt ??= toRecordTime(name);
    };
    try {
      for await (const page of store.list(OUTBOX)) {
        if (depth >= MAX_COUNTED) return counts;
        for (const { name } of page) unseen.delete(name);
        for (let at = 0; at < page.length; at += AT_ONCE) {
          if (this.#stop.signal.aborted) return counts;
          const entries = page.slice(at, at + AT_ONCE);
          // The queue does not take anything at present. A few that always fail keep nothing from the others.
          if (failedInARow >= AT_ONCE) {
            entries.forEach(stays);
            continue;
          }
          const outcomes = await Promise.all(entries.map((entry) => this.#handle(entry)));
          outcomes.forEach((outcome, index) => {
            counts[outcome] += 1;
            if (outcome === 'failed') failedInARow += 1;
            if (outcome === 'delivered') failedInARow = 0;
            if (STAYS.includes(outcome)) stays(entries[index] as RecordEntry);
          });
        }
      }
      // Another task was faster.
      for (const name of unseen) this.#own.delete(name);
    } catch (error) {
      counts.failed += 1;
      // What was seen before it failed is not all.
      depth = Math.max(depth, this.#state.depth);
      oldestAt ??= this.#state.oldestAt;
      log.warn({ err: error }, 'the outbox could not be read');
    } finally {
      this.#state = { depth, oldestAt };
      const { delivered, failed } = counts;
      if (delivered > 0) log.info({ delivered }, 'jobs delivered from the outbox');
      if (failed > 0) log.warn({ failed }, 'jobs wait in the outbox');
    }
    return counts;
  }

  async #handle(entry: RecordEntry): Promise<Outcome> {
    const { store, sender, log, now = Date.now } = this.#options;
    const { name } = entry;
    const ageMs = now() - entry.writtenAt.getTime();
    if (ageMs < LEASE_MS && !this.#own.has(name)) return 'waiting';
    // Those that are handled at once go together.
    const arrived = sender.expect();
    try {
      const found = await store.get(name);
      if (found === undefined) return this.#done(name, 'gone');
      // It was listed as nobody's; by now it is somebody's.
      if (found.etag !== entry.etag) return 'waiting';
      const record = parseRecord(found.text);
      if (record === undefined) return await this.#setAside(name, found.text, 'it is no record of a job');
      const event = await this.#eventOf(record);
      if (event === undefined) return await this.#passOver(name, ageMs);
      const taken = { ...record, attempts: record.attempts + 1 };
      if (!(await store.replace(name, JSON.stringify(taken), found.etag))) return 'waiting';
      return await this.#send(name, taken, event);
    } catch (error) {
      log.debug({ err: error, record: name }, 'a job could not be delivered from the outbox');
      return 'failed';
    } finally {
      arrived();
    }
  }

  /** What is to be sent; undefined while the file of a prepared record is not there. */
  async #eventOf(record: OutboxRecord): Promise<JobEvent | undefined> {
    if (record.state === 'ready') return record.event;
    const { event } = record;
    const stored = await this.#options.store.storedFile(event.data);
    return stored?.notes?.[Note.UPLOAD_ID] === event.id ? completeEvent(event, stored) : undefined;
  }

  /** The task that works on the file removes the record when it fails; one that died cannot. */
  async #passOver(name: string, ageMs: number): Promise<Outcome> {
    if (ageMs < ABANDONED_MS) return 'waiting';
    await this.#options.store.delete(name);
    return 'gone';
  }

  async #send(name: string, record: OutboxRecord, event: JobEvent): Promise<Outcome> {
    const { store, sender } = this.#options;
    try {
      await sender.send(event);
    } catch (error) {
      if (!(error instanceof MessageRefusedError)) throw error;
      const { message: reason } = error;
      const refusal = { at: new Date().toISOString(), reason };
      return await this.#setAside(name, JSON.stringify({ ...record, refusal }), reason);
    }
    await store.delete(name);
    return this.#done(name, 'delivered');
  }

  async #setAside(name: string, text: string, reason: string): Promise<Outcome> {
    const { store, log } = this.#options;
    const aside = REFUSED + name.slice(OUTBOX.length);
    await store.put(aside, text);
    await store.delete(name);
    log.error({ record: aside, reason }, 'a job cannot be delivered: set aside');
    return this.#done(name, 'refused');
  }

  #done(name: string, outcome: Outcome): Outcome {
    this.#own.delete(name);
    return outcome;
  }

  async #reportRefused(): Promise<void> {
    const { store, log } = this.#options;
    try {
      for await (const [first, ...more] of store.list(REFUSED)) {
        if (first === undefined) return;
        const about = { record: first.name, count: more.length + 1 };
        log.error(about, 'jobs that could not be delivered wait to be looked at');
        return;
      }
    } catch (error) {
      log.warn({ err: error }, 'the outbox could not be read');
    }
  }
}
