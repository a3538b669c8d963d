import type { Backlog, JobPublisher } from '../contract/jobs.ts';
import type { Probe } from '../contract/probe.ts';
import type { OutboxState } from './outbox-sweeper.ts';

export interface CreatedJobs {
  readonly publisher: JobPublisher;
  /** The URLs of the queues that the publisher sends to; undefined when it sends to none. */
  readonly queues: { readonly jobs: string; readonly failures: string | undefined } | undefined;
  /** Whether the publisher tells anybody of uploads that come to nothing. */
  readonly reportsFailures: boolean;
  /** Whether the queues are there, by name. */
  readonly probes: ReadonlyMap<string, Probe>;
  /** What lies in the outboxes, by name. */
  readonly backlogs: ReadonlyMap<string, () => Promise<Backlog>>;
  /** What lay in the outboxes when they were swept last, by name: `jobs`, `failures`. */
  outboxStates(): ReadonlyMap<string, OutboxState>;
  /** Begins to deliver what waits in the outbox. */
  start(): void;
}
