import type { Backlog, JobPlace } from '../contract/jobs.ts';
import type { JobEvent } from './event.ts';
import { MessageRefusedError } from './event-sender.ts';
import { OUTBOX, type OutboxRecord, REFUSED, toRecordName } from './outbox-record.ts';
import { type OutboxOptions, type OutboxState, OutboxSweeper, type SweepResult } from './outbox-sweeper.ts';
import type { DeliveredEvent } from './to-event.ts';

/** So long after a failure the queue is not tried again by those who would wait for it, in milliseconds. */
const REST_MS = 5_000;

/**
 * Where events are durable that the queue has not taken: records in the bucket, which any task delivers. An event may
 * be delivered more than once, always with the same id.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #sweeper: OutboxSweeper;
  readonly #tidying = new Set<Promise<void>>();
  #restsUntil = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#sweeper = new OutboxSweeper(options);
  }

  /** Notes an event down whose file is not there yet. Returns the record's name. */
  async prepare(event: DeliveredEvent): Promise<string> {
    const name = toRecordName(event);
    await this.#put(name, { version: 1, state: 'prepared', attempts: 0, event });
    return name;
  }

  /**
   * Sends an event, or keeps it for later. `prepared` names the record that was made for it.
   * @throws MessageRefusedError; any error when it cannot be kept either.
   */
  async deliver(event: JobEvent, prepared?: string): Promise<JobPlace> {
    if (await this.#isSent(event, prepared)) return 'queue';
    const name = prepared ?? toRecordName(event);
    await this.#put(name, { version: 1, state: 'ready', attempts: 0, event });
    this.#sweeper.expect(name);
    return 'outbox';
  }

  /** The file of a prepared event will not come. What cannot be removed now is dropped by a sweep. */
  async withdraw(prepared: string): Promise<void> {
    await this.#options.store.delete(prepared).catch(() => undefined);
  }

  /** Sweeps within a few seconds, and then again and again. */
  start(): void {
    this.#sweeper.start();
  }

  sweep(): Promise<SweepResult> {
    return this.#sweeper.sweep();
  }

  /** As of the last sweep; costs nothing. */
  get state(): OutboxState {
    return this.#sweeper.state;
  }

  /** @throws what the store says when it cannot be asked. */
  async backlog(): Promise<Backlog> {
    const [waiting, refused] = await Promise.all([this.#count(OUTBOX), this.#count(REFUSED)]);
    return { waiting, refused };
  }

  async close(): Promise<void> {
    await this.#sweeper.close();
    await Promise.all(this.#tidying);
  }

  async #isSent(event: JobEvent, prepared: string | undefined): Promise<boolean> {
    const { sender, log, now = Date.now } = this.#options;
    if (now() < this.#restsUntil) return false;
    try {
      await sender.send(event);
    } catch (error) {
      if (error instanceof MessageRefusedError) throw error;
      log.warn({ err: error, uploadId: event.id }, 'the queue does not take jobs: they go to the outbox');
      this.#restsUntil = now() + REST_MS;
      return false;
    }
    if (this.#restsUntil > 0) {
      this.#restsUntil = 0;
      this.#sweeper.hurry();
    }
    if (prepared !== undefined) this.#tidy(prepared);
    return true;
  }

  async #count(folder: string): Promise<number> {
    let count = 0;
    for await (const page of this.#options.store.list(folder)) count += page.length;
    return count;
  }

  #put(name: string, record: OutboxRecord): Promise<void> {
    return this.#options.store.put(name, JSON.stringify(record));
  }

  /** Nobody waits for it: a record that stays is sent once more, with the same id. */
  #tidy(name: string): void {
    const tidying = this.withdraw(name).finally(() => this.#tidying.delete(tidying));
    this.#tidying.add(tidying);
  }
}
