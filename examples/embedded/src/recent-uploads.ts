import type { FinishedUpload } from 'sluice';

/** What the route tells of an upload. */
export interface RecentUpload {
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  readonly username: string;
  readonly endedAt: string;
}

/** The uploads that ended last, the newest first; older ones are forgotten. */
export class RecentUploads {
  readonly #limit: number;
  #uploads: readonly RecentUpload[] = [];

  constructor(limit = 100) {
    this.#limit = limit;
  }

  add({ id, path, bytes, principal, endedAt }: FinishedUpload): void {
    const upload = { id, path, bytes, username: principal.username, endedAt: endedAt.toISOString() };
    this.#uploads = [upload, ...this.#uploads].slice(0, this.#limit);
  }

  list(): readonly RecentUpload[] {
    return this.#uploads;
  }
}
