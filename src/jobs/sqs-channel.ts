import type { JobsConfig } from '../config/load.ts';
import { type Log, withFields } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import type { ObserveAwsCalls } from '../telemetry/aws-calls.ts';
import { type Channel, openChannel } from './channel.ts';
import { probeQueue } from './probe.ts';
import { createSqsClient } from './sqs-client.ts';
import { createSqsSender } from './sqs-sender.ts';

export interface SqsChannelOptions {
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

/** A channel to a queue of SQS. */
export function createSqsChannel(options: SqsChannelOptions): Channel {
  const { queueUrl, variable, groupBy, aws, store, log, observeAwsCalls } = options;
  const client = createSqsClient(aws);
  observeAwsCalls(client, 'SQS');
  const queue = queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
  return openChannel({
    sender: createSqsSender({ client, queueUrl, groupBy }),
    store,
    log: withFields(log, { queue }),
    probe: () => probeQueue(client, queueUrl, variable),
  });
}
