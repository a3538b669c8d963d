import type { MemoryBudget } from '../../buffers/budget.ts';
import type { Spool } from '../../buffers/spool.ts';
import type { S3Config } from '../../config/load.ts';
import type { CreatedBackend } from '../../contract/backend-source.ts';
import type { Log } from '../../contract/log.ts';
import type { ObserveAwsCalls } from '../../telemetry/aws-calls.ts';
import { createS3Backend } from './backend.ts';
import { createS3Client } from './client.ts';
import { detectFeatures } from './detect-features.ts';
import { createOutboxStore } from './outbox-store.ts';
import { probeBucket } from './probe.ts';
import { ObjectStore } from './store.ts';
import { createSweeper } from './sweeper.ts';

export interface S3Resources {
  readonly budget: MemoryBudget;
  readonly spool: Spool | undefined;
  readonly log: Log;
  readonly observeAwsCalls: ObserveAwsCalls;
}

/** The backend with its client, what it finds out about the store, and its sweeper. */
export function openS3Backend(
  { bucket, prefix, staleUploadMs, aws }: S3Config,
  { budget, spool, log, observeAwsCalls }: S3Resources,
): CreatedBackend {
  const client = createS3Client(aws);
  observeAwsCalls(client, 'S3');
  const detect = aws.endpoint === undefined ? undefined : detectFeatures;
  const store = new ObjectStore(client, bucket, detect);
  const sweeper =
    staleUploadMs === 0 ? undefined : createSweeper({ store, prefix, olderThanMs: staleUploadMs, log });
  return {
    backend: createS3Backend({ store, prefix, budget, spool }),
    outboxStore: createOutboxStore(store),
    standsOn: 'bucket',
    probe: () => probeBucket(store),
    start: () => {
      // Before the first upload that needs to know.
      void store.features();
      sweeper?.start();
    },
    close: async () => {
      await sweeper?.close();
      client.destroy();
    },
  };
}
