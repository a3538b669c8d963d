import type { JobPublisher } from '../contract/jobs.ts';
import type { Log } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import { openChannel } from './channel.ts';
import type { CreatedJobs } from './created-jobs.ts';
import { createHandlerSender, type JobHandler } from './handler-sender.ts';
import { createPublisher } from './publisher.ts';

export interface HandlerResources {
  /** Where events wait that the function does not take; without one they are failures. */
  readonly outboxStore: OutboxStore | undefined;
  readonly serviceName: string;
  readonly log: Log;
}

/** Jobs that a function of this process takes. */
export function createHandlerJobs(
  handle: JobHandler,
  { outboxStore: store, serviceName, log }: HandlerResources,
): CreatedJobs {
  const sender = createHandlerSender(handle);
  const channel = openChannel({ sender, store, log, probe: async () => ({ state: 'ok' }) });
  const { outbox } = channel;
  return {
    ...toCreatedJobs(createPublisher({ channel, reporter: undefined, serviceName, everyObject: false })),
    reportsFailures: false,
    backlogs: new Map(outbox === undefined ? [] : [['outbox', () => outbox.backlog()] as const]),
    outboxStates: () => new Map(outbox === undefined ? [] : [['jobs', outbox.state] as const]),
    start: () => outbox?.start(),
  };
}

/** A publisher of somebody else's, which looks after everything itself. */
export function toCreatedJobs(publisher: JobPublisher): CreatedJobs {
  return {
    publisher,
    queues: undefined,
    reportsFailures: true,
    probes: new Map(),
    backlogs: new Map(),
    outboxStates: () => new Map(),
    start: () => undefined,
  };
}
