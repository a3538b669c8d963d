import type { Metrics } from './meter.ts';

interface Filled {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** As much of the service as metrics ask for. */
export interface ServiceState {
  readonly backendName: string;
  readonly budget: Filled & { readonly waiting: number };
  readonly spool: Filled | undefined;
  readonly uploads: { readonly count: number; readonly receivedBytes: number };
  readonly sessions: () => number;
  /** By name; undefined where there are no jobs. `oldestAt` is in milliseconds since the epoch. */
  readonly outboxes:
    | (() => ReadonlyMap<string, { readonly depth: number; readonly oldestAt: number | undefined }>)
    | undefined;
}

/**
 * What the service is asked for whenever metrics are collected, and the counters that begin before anything is counted. The returned
 * function ends the asking.
 */
export function observeService(metrics: Metrics, state: ServiceState): () => void {
  const { budget, spool, uploads, sessions, outboxes = () => new Map() } = state;
  const stops = [
    metrics.observe('sluice.buffer.used', () => budget.usedBytes),
    metrics.observe('sluice.buffer.limit', () => budget.limitBytes),
    metrics.observe('sluice.buffer.waiting', () => budget.waiting),
    metrics.observe('sluice.spool.used', () => spool?.usedBytes ?? 0),
    metrics.observe('sluice.spool.limit', () => spool?.limitBytes ?? 0),
    metrics.observe('sluice.upload.active', () => uploads.count),
    metrics.observe('sluice.upload.io', () => uploads.receivedBytes),
    metrics.observe('sluice.session.active', sessions),
    metrics.observe('sluice.outbox.depth', () =>
      Array.from(outboxes(), ([name, { depth }]) => [depth, { 'sluice.outbox': name }] as const),
    ),
    metrics.observe('sluice.outbox.oldest_age', () =>
      Array.from(outboxes(), ([name, { oldestAt }]) => {
        const age = oldestAt === undefined ? 0 : Math.max(0, (Date.now() - oldestAt) / 1000);
        return [age, { 'sluice.outbox': name }] as const;
      }),
    ),
  ];
  countFromZero(metrics, state);
  return () => {
    for (const stop of stops) stop();
  };
}

/** A series that begins with its first failure has no rate for that one. */
function countFromZero(metrics: Metrics, { backendName, outboxes }: ServiceState): void {
  for (const result of ['ok', 'EIO', 'ECONNABORTED']) {
    metrics.add('sluice.uploads', 0, { 'sluice.backend': backendName, 'sluice.result': result });
  }
  for (const method of ['password', 'publickey']) {
    for (const outcome of ['accepted', 'refused', 'failed']) {
      const attributes = { 'sluice.authentication.method': method, 'sluice.outcome': outcome };
      metrics.add('sluice.authentication.attempts', 0, attributes);
    }
  }
  for (const place of outboxes === undefined ? [] : ['queue', 'outbox', 'nowhere']) {
    metrics.add('sluice.jobs', 0, { 'sluice.job.type': 'finished', 'sluice.job.place': place });
  }
}
