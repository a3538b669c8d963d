import type {
  AboutMessage,
  BufferMessage,
  Changes,
  EndedMessage,
  JobMessage,
  SessionMessage,
  StateMessage,
  UpdateMessage,
  UploadMessage,
} from '../messages.ts';
import { Rate } from './rate.ts';

/** As many as the server keeps. */
const LIST_LIMIT = 200;

/** What the page knows of the service: a state, and what has changed since. */
export class Model {
  about: AboutMessage | undefined;
  buffer: BufferMessage = { usedBytes: 0, limitBytes: 0 };
  readonly sessions = new Map<string, SessionMessage>();
  readonly uploads = new Map<string, UploadMessage>();
  /** Newest first. */
  ended: readonly EndedMessage[] = [];
  jobs: readonly JobMessage[] = [];
  readonly #rates = new Map<string, Rate>();
  readonly #clock: () => number;
  /** Server's clock minus ours. */
  #clockDifference = 0;
  #heardAt = 0;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /** The server's time. */
  get now(): number {
    return this.#clock() + this.#clockDifference;
  }

  /** Since something was heard of the server, in milliseconds. */
  get silenceMs(): number {
    return this.#clock() - this.#heardAt;
  }

  takeState(state: StateMessage): void {
    this.#heard(state.now);
    this.about = state.about;
    this.buffer = state.buffer;
    this.ended = state.ended;
    this.jobs = state.jobs;
    this.sessions.clear();
    this.uploads.clear();
    for (const session of state.sessions) this.sessions.set(session.id, session);
    for (const upload of state.uploads) this.uploads.set(upload.id, upload);
    this.#sample(state.now);
  }

  takeUpdate(update: UpdateMessage): void {
    this.#heard(update.now);
    if (update.buffer !== undefined) this.buffer = update.buffer;
    if (update.sessions !== undefined) change(this.sessions, update.sessions);
    if (update.uploads !== undefined) change(this.uploads, update.uploads);
    if (update.ended !== undefined) this.ended = [...update.ended, ...this.ended].slice(0, LIST_LIMIT);
    if (update.jobs !== undefined) this.jobs = [...update.jobs, ...this.jobs].slice(0, LIST_LIMIT);
    this.#sample(update.now);
  }

  /** Bytes a second of an upload in progress; undefined while nothing can be said of it. */
  rateOf(id: string): number | undefined {
    return this.#rates.get(id)?.at(this.now);
  }

  totalRate(): number {
    return [...this.uploads.keys()].reduce((sum, id) => sum + (this.rateOf(id) ?? 0), 0);
  }

  /** Of one upload, oldest first. */
  jobsOf(uploadId: string): readonly JobMessage[] {
    return this.jobs.filter(({ id }) => id === uploadId).reverse();
  }

  #heard(now: number): void {
    this.#heardAt = this.#clock();
    this.#clockDifference = now - this.#heardAt;
  }

  #sample(now: number): void {
    for (const id of this.#rates.keys()) if (!this.uploads.has(id)) this.#rates.delete(id);
    for (const { id, bytes } of this.uploads.values()) {
      const rate = this.#rates.get(id) ?? new Rate();
      rate.add(now, bytes);
      this.#rates.set(id, rate);
    }
  }
}

function change<T extends { readonly id: string }, Numbers>(
  things: Map<string, T>,
  { added, changed, gone }: Changes<T, Numbers>,
): void {
  for (const id of gone) things.delete(id);
  for (const numbers of changed) {
    const old = things.get(numbers.id);
    if (old !== undefined) things.set(old.id, { ...old, ...numbers });
  }
  for (const thing of added) things.set(thing.id, thing);
}
