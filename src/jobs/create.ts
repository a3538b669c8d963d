import type { JobsConfig } from '../config/load.ts';
import type { JobPublisher } from '../contract/jobs.ts';
import type { Log } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import type { Probe } from '../contract/probe.ts';
import { Outbox } from './outbox.ts';
import { probeQueue } from './probe.ts';
import { createPublisher } from './publisher.ts';
import { createSqsClient } from './sqs-client.ts';
import { createSqsSender } from './sqs-sender.ts';

export interface JobsResources {
  /** Where jobs wait that the queue does not take; without one they are failures. */
  readonly outboxStore: OutboxStore | undefined;
  readonly serviceName: string;
  readonly log: Log;
}

export interface CreatedJobs {
  readonly publisher: JobPublisher;
  /** Whether the queue is there. */
  readonly probe: Probe;
  /** Begins to deliver what waits in the outbox. */
  start(): void;
}

export function createJobs(
  config: JobsConfig,
  { outboxStore, serviceName, log }: JobsResources,
): CreatedJobs {
  const { queueUrl, groupBy, everyObject, aws } = config;
  const client = createSqsClient(aws);
  const sender = createSqsSender({ client, queueUrl, groupBy });
  const outbox = outboxStore && new Outbox({ store: outboxStore, sender, log });
  return {
    publisher: createPublisher({ sender, outbox, serviceName, everyObject }),
    probe: () => probeQueue(client, queueUrl),
    start: () => outbox?.start(),
  };
}
