import type { TraceContext } from '../contract/context.ts';
import type { AnnouncedJob, Delivery, JobPublisher } from '../contract/jobs.ts';
import type { StoredFile } from '../contract/types.ts';
import type { Channel } from './channel.ts';
import type { FailureReporter } from './failure-reporter.ts';
import { toDeliveredEvent, toFailedEvent } from './to-event.ts';

export interface PublisherOptions {
  /** Without an outbox, a job that the queue does not take is a failure. */
  readonly channel: Channel;
  /** Without one, nobody is told of failures. */
  readonly reporter: FailureReporter | undefined;
  /** Names the service in the event's `source`. */
  readonly serviceName: string;
  /** Notes each job down before its file is there. */
  readonly everyObject: boolean;
}

/** Turns what was stored into events, and sees to it that they are durable. */
export function createPublisher({
  channel,
  reporter,
  serviceName,
  everyObject,
}: PublisherOptions): JobPublisher {
  const { sender, outbox } = channel;

  async function prepare(delivery: Delivery, trace: TraceContext): Promise<string | undefined> {
    // Whether a file is one that was renamed for good, nobody could tell later.
    if (!everyObject || delivery.renamedFrom !== undefined) return undefined;
    const unknown: StoredFile = { size: 0 };
    return await outbox?.prepare(
      toDeliveredEvent(delivery, unknown, { serviceName, finishedAt: new Date(), trace }),
    );
  }

  return {
    announce: async (delivery, trace = {}): Promise<AnnouncedJob> => {
      const prepared = await prepare(delivery, trace);
      const arrived = sender.expect();
      return {
        publish: async (stored, trace = {}) => {
          const event = toDeliveredEvent(delivery, stored, { serviceName, finishedAt: new Date(), trace });
          const delivered = channel.deliver(event, prepared);
          arrived();
          return await delivered;
        },
        withdraw: async () => {
          arrived();
          if (prepared !== undefined) await outbox?.withdraw(prepared);
        },
      };
    },
    reportFailure: async (failure, trace = {}) =>
      await reporter?.report(toFailedEvent(failure, { serviceName, trace })),
    close: async () => {
      await reporter?.close();
      await channel.close();
    },
  };
}
