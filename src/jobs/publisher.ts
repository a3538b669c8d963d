import type { AnnouncedJob, Delivery, JobPlace, JobPublisher, TraceContext } from '../contract/jobs.ts';
import type { StoredFile } from '../contract/types.ts';
import type { JobEvent } from './event.ts';
import type { EventSender } from './event-sender.ts';
import type { Outbox } from './outbox.ts';
import { toDeliveredEvent } from './to-event.ts';

export interface PublisherOptions {
  readonly sender: EventSender;
  /** Without one, a job that the queue does not take is a failure. */
  readonly outbox: Outbox | undefined;
  /** Names the service in the event's `source`. */
  readonly serviceName: string;
  /** Notes each job down before its file is there. */
  readonly everyObject: boolean;
}

/** Turns what was stored into events, and sees to it that they are durable. */
export function createPublisher({
  sender,
  outbox,
  serviceName,
  everyObject,
}: PublisherOptions): JobPublisher {
  async function prepare(delivery: Delivery, trace: TraceContext): Promise<string | undefined> {
    // Whether a file is one that was renamed for good, nobody could tell later.
    if (!everyObject || delivery.renamedFrom !== undefined) return undefined;
    const unknown: StoredFile = { size: 0 };
    return await outbox?.prepare(
      toDeliveredEvent(delivery, unknown, { serviceName, finishedAt: new Date(), trace }),
    );
  }

  async function deliver(event: JobEvent, prepared: string | undefined): Promise<JobPlace> {
    if (outbox !== undefined) return await outbox.deliver(event, prepared);
    await sender.send(event);
    return 'queue';
  }

  return {
    announce: async (delivery, trace = {}): Promise<AnnouncedJob> => {
      const prepared = await prepare(delivery, trace);
      const arrived = sender.expect();
      return {
        publish: async (stored, trace = {}) => {
          const event = toDeliveredEvent(delivery, stored, { serviceName, finishedAt: new Date(), trace });
          const delivered = deliver(event, prepared);
          arrived();
          return await delivered;
        },
        withdraw: async () => {
          arrived();
          if (prepared !== undefined) await outbox?.withdraw(prepared);
        },
      };
    },
    close: async () => {
      await outbox?.close();
      await sender.close();
    },
  };
}
