import type { JobsConfig } from '../config/load.ts';
import type { Log } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import type { ObserveAwsCalls } from '../telemetry/aws-calls.ts';
import type { CreatedJobs } from './created-jobs.ts';
import { FailureReporter } from './failure-reporter.ts';
import { inFolder } from './outbox-folder.ts';
import type { OutboxState } from './outbox-sweeper.ts';
import { createPublisher } from './publisher.ts';
import { createSqsChannel } from './sqs-channel.ts';

/** The outbox of the failures: jobs do not wait behind them. */
const FAILURES = 'failures/';

export interface JobsResources {
  /** Where jobs wait that the queue does not take; without one they are failures. */
  readonly outboxStore: OutboxStore | undefined;
  readonly serviceName: string;
  readonly log: Log;
  readonly observeAwsCalls: ObserveAwsCalls;
}

export function createJobs(
  { queueUrl, failureQueueUrl, groupBy, everyObject, aws }: JobsConfig,
  { outboxStore, serviceName, log, observeAwsCalls }: JobsResources,
): CreatedJobs {
  const shared = { groupBy, aws, log, observeAwsCalls };
  const channel = createSqsChannel({ ...shared, queueUrl, variable: 'SLUICE_QUEUE_URL', store: outboxStore });
  const failures =
    failureQueueUrl === undefined
      ? undefined
      : createSqsChannel({
          ...shared,
          queueUrl: failureQueueUrl,
          variable: 'SLUICE_FAILURE_QUEUE_URL',
          store: outboxStore && inFolder(outboxStore, FAILURES),
        });
  const reporter = failures && new FailureReporter({ channel: failures, log });
  const probes = new Map([['queue', channel.probe]]);
  if (failures !== undefined) probes.set('failure queue', failures.probe);
  const outboxes = { outbox: channel.outbox, 'failure outbox': failures?.outbox };
  const backlogs = Object.entries(outboxes).flatMap(([name, outbox]) =>
    outbox === undefined ? [] : [[name, () => outbox.backlog()] as const],
  );
  return {
    queues: { jobs: queueUrl, failures: failureQueueUrl },
    reportsFailures: failures !== undefined,
    publisher: createPublisher({ channel, reporter, serviceName, everyObject }),
    probes,
    backlogs: new Map(backlogs),
    outboxStates: () => {
      const states = new Map<string, OutboxState>();
      if (channel.outbox !== undefined) states.set('jobs', channel.outbox.state);
      if (failures?.outbox !== undefined) states.set('failures', failures.outbox.state);
      return states;
    },
    start: () => {
      channel.outbox?.start();
      failures?.outbox?.start();
    },
  };
}
