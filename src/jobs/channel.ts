import type { JobPlace } from '../contract/jobs.ts';
import type { Log } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import type { Probe } from '../contract/probe.ts';
import type { JobEvent } from './event.ts';
import type { EventSender } from './event-sender.ts';
import { Outbox } from './outbox.ts';

/** Where events go, and the outbox before it. Each has its own connections, so that none waits for the other's. */
export interface Channel {
  readonly sender: EventSender;
  readonly outbox: Outbox | undefined;
  readonly probe: Probe;
  /** Resolves when the event is durable. @throws when it is not known to be. */
  deliver(event: JobEvent, prepared?: string): Promise<JobPlace>;
  close(): Promise<void>;
}

export interface ChannelParts {
  readonly sender: EventSender;
  /** Where events wait that are not taken; without one they are not delivered. */
  readonly store: OutboxStore | undefined;
  readonly log: Log;
  /** Whether the sender's other end is there. */
  readonly probe: Probe;
}

export function openChannel({ sender, store, log, probe }: ChannelParts): Channel {
  const outbox = store && new Outbox({ store, sender, log });
  return {
    sender,
    outbox,
    probe: async () => {
      const result = await probe();
      if (result.state !== 'unreachable' || outbox === undefined) return result;
      return { state: 'degraded', message: `${result.message}; until it can, events wait in the outbox` };
    },
    deliver: async (event, prepared) => {
      if (outbox !== undefined) return await outbox.deliver(event, prepared);
      await sender.send(event);
      return 'queue';
    },
    close: async () => {
      await outbox?.close();
      await sender.close();
    },
  };
}
