import type { JobEvent } from '../../src/jobs/event.ts';

export type EventOf<T extends JobEvent['type']> = Extract<JobEvent, { readonly type: T }>;

/** Events as they come in. */
export class EventLog {
  readonly events: JobEvent[] = [];
  readonly #waiting = new Set<() => void>();

  add(event: JobEvent): void {
    this.events.push(event);
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves with the first event of that type and path, past or to come. */
  event<T extends JobEvent['type']>(type: T, path: string): Promise<EventOf<T>> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.events.find((event) => event.type === type && event.data.path === path);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found as EventOf<T>);
      };
      this.#waiting.add(check);
      check();
    });
  }
}
