import type { JobsConfig } from '../config/load.ts';
import type { JobPlace } from '../contract/jobs.ts';
import { type Log, withFields } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import type { Probe } from '../contract/probe.ts';
import type { ObserveAwsCalls } from '../telemetry/aws-calls.ts';
import type { JobEvent } from './event.ts';
import type { EventSender } from './event-sender.ts';
import { Outbox } from './outbox.ts';
import { probeQueue } from './probe.ts';
import { createSqsClient } from './sqs-client.ts';
import { createSqsSender } from './sqs-sender.ts';

export interface ChannelOptions {
  readonly queueUrl: string;
  /** The variable that names the queue: whoever is told that it is not there can look it up. */
  readonly variable: string;
  readonly groupBy: JobsConfig['groupBy'];
  readonly aws: JobsConfig['aws'];
  /** Where events wait that the queue does not take; without one they are not delivered. */
  readonly store: OutboxStore | undefined;
  readonly log: Log;
  readonly observeAwsCalls: ObserveAwsCalls;
}

/** A queue, and the outbox before it. Each has its own connections, so that none waits for the other's. */
export interface Channel {
  readonly sender: EventSender;
  readonly outbox: Outbox | undefined;
  readonly probe: Probe;
  /** Resolves when the event is durable. @throws when it is not known to be. */
  deliver(event: JobEvent, prepared?: string): Promise<JobPlace>;
  close(): Promise<void>;
}

export function createChannel(options: ChannelOptions): Channel {
  const { queueUrl, variable, groupBy, aws, store, log, observeAwsCalls } = options;
  const client = createSqsClient(aws);
  observeAwsCalls(client, 'SQS');
  const sender = createSqsSender({ client, queueUrl, groupBy });
  const queue = queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
  const outbox = store && new Outbox({ store, sender, log: withFields(log, { queue }) });
  return {
    sender,
    outbox,
    probe: async () => {
      const result = await probeQueue(client, queueUrl, variable);
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
