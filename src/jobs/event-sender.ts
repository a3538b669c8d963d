import type { JobEvent } from './event.ts';

/** The other end has refused an event for what it is: it would again. */
export class MessageRefusedError extends Error {
  override name = 'MessageRefusedError';
}

/** Where events go. */
export interface EventSender {
  /**
   * Says that an event may come soon, so that others may wait for it and go with it. Call the returned function, once, when it
   * is about to be sent, or will not be.
   */
  expect(): () => void;
  /**
   * Resolves when it is there; rejects within a few seconds when it is not known to be.
   * @throws MessageRefusedError when it would never be taken.
   */
  send(event: JobEvent): Promise<void>;
  /** Releases connections; what is being sent is finished first. */
  close(): Promise<void>;
}
