import type { TraceContext } from '../../src/contract/context.ts';
import type { Delivery, FailedUpload, JobPlace, JobPublisher } from '../../src/contract/jobs.ts';
import type { Log } from '../../src/contract/log.ts';
import type { StoredFile } from '../../src/contract/types.ts';

const ignore = () => undefined;
export const SILENT: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export interface JobHooks {
  readonly announce?: (delivery: Delivery) => Promise<void>;
  readonly publish?: (delivery: Delivery) => Promise<void>;
  readonly reportFailure?: (failure: FailedUpload) => Promise<JobPlace | undefined>;
}

export interface PublishedJob {
  readonly delivery: Delivery;
  readonly stored: StoredFile;
  readonly trace: TraceContext | undefined;
}

/** A publisher that notes what it is asked for, in `calls` too: `announce /a`, `publish /a`, `withdraw /a`. */
export function watchJobs(hooks: JobHooks = {}, calls: string[] = []) {
  const jobs: PublishedJob[] = [];
  const failures: FailedUpload[] = [];
  const failureTraces: (TraceContext | undefined)[] = [];
  const publisher: JobPublisher = {
    announce: async (delivery) => {
      const { path } = delivery;
      calls.push(`announce ${path}`);
      await hooks.announce?.(delivery);
      return {
        publish: async (stored, trace) => {
          calls.push(`publish ${path}`);
          jobs.push({ delivery, stored, trace });
          await hooks.publish?.(delivery);
          return 'queue';
        },
        withdraw: async () => void calls.push(`withdraw ${path}`),
      };
    },
    reportFailure: async (failure, trace) => {
      calls.push(`${failure.outcome} ${failure.path}`);
      failures.push(failure);
      failureTraces.push(trace);
      return await hooks.reportFailure?.(failure);
    },
    close: async () => undefined,
  };
  return { publisher, jobs, failures, failureTraces, calls };
}
