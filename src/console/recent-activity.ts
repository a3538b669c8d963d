import type { ActivityListener, EndedUpload, SentJob } from '../contract/activity.ts';

/** Uploads that are kept, and jobs: what somebody looks at who comes to see what has just gone wrong. */
const KEPT = 200;

/** The last uploads that have ended and the last jobs, newest first. Older ones are forgotten. */
export class RecentActivity implements ActivityListener {
  readonly #kept: number;
  readonly #listeners = new Set<() => void>();
  #ended: readonly EndedUpload[] = [];
  #jobs: readonly SentJob[] = [];

  constructor(kept: number = KEPT) {
    this.#kept = kept;
  }

  ended(): readonly EndedUpload[] {
    return this.#ended;
  }

  jobs(): readonly SentJob[] {
    return this.#jobs;
  }

  uploadEnded(upload: EndedUpload): void {
    this.#ended = [upload, ...this.#ended.slice(0, this.#kept - 1)];
    this.#tell();
  }

  jobSent(job: SentJob): void {
    this.#jobs = [job, ...this.#jobs.slice(0, this.#kept - 1)];
    this.#tell();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
