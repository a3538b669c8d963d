import type { JobEvent } from './event.ts';
import type { EventSender } from './event-sender.ts';

/** Takes an event in this process. Resolves when it is durable, or done with; a rejection means that it is neither. */
export type JobHandler = (event: JobEvent) => Promise<void>;

/** How long a handler may take before the event counts as not taken, in milliseconds. */
export const HANDLER_MS = 20_000;

/** Sends each event to a function. */
export function createHandlerSender(handle: JobHandler, timeoutMs = HANDLER_MS): EventSender {
  const running = new Set<Promise<void>>();

  async function send(event: JobEvent): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const fault = () => reject(new Error(`the job was not taken within ${timeoutMs / 1000} seconds`));
      timer = setTimeout(fault, timeoutMs);
    });
    try {
      await Promise.race([handle(event), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    expect: () => () => undefined,
    send: (event) => {
      const sending = send(event).finally(() => running.delete(sending));
      running.add(sending);
      return sending;
    },
    close: async () => {
      await Promise.allSettled(running);
    },
  };
}
