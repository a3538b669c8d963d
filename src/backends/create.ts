import type { MemoryBudget } from '../buffers/budget.ts';
import type { Spool } from '../buffers/spool.ts';
import type { BackendConfig } from '../config/load.ts';
import type { Backend } from '../contract/backend.ts';
import type { Log } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import type { Probe } from '../contract/probe.ts';
import type { ObserveAwsCalls } from '../telemetry/aws-calls.ts';
import { createFolderBackend } from './folder/backend.ts';
import { Folder } from './folder/folder.ts';
import { createFolderOutboxStore } from './folder/outbox-store.ts';
import { probeFolder } from './folder/probe.ts';
import { createFolderSweeper } from './folder/sweeper.ts';
import { createMemoryBackend } from './memory/memory.ts';
import { createS3Backend } from './s3/backend.ts';
import { createS3Client } from './s3/client.ts';
import { detectFeatures } from './s3/detect-features.ts';
import { createOutboxStore } from './s3/outbox-store.ts';
import { probeBucket } from './s3/probe.ts';
import { ObjectStore } from './s3/store.ts';
import { createSweeper } from './s3/sweeper.ts';

/** What a backend may use of the process. */
export interface BackendResources {
  readonly budget: MemoryBudget;
  readonly spool: Spool | undefined;
  readonly log: Log;
  readonly observeAwsCalls: ObserveAwsCalls;
}

export interface CreatedBackend {
  readonly backend: Backend;
  /** For what must outlive the process; undefined where nothing does. */
  readonly outboxStore: OutboxStore | undefined;
  /** Whether what the backend stands on is there. */
  readonly probe: Probe;
  /** What that is, for people. */
  readonly standsOn: 'bucket' | 'folder' | 'memory';
  /** Begins what the backend does by itself, beside requests. */
  start(): void;
  close(): Promise<void>;
}

export function createBackend(
  config: BackendConfig,
  { budget, spool, log, observeAwsCalls }: BackendResources,
): CreatedBackend {
  switch (config.kind) {
    case 'memory':
      return {
        backend: createMemoryBackend(),
        outboxStore: undefined,
        probe: async () => ({ state: 'ok' }),
        standsOn: 'memory',
        start: () => undefined,
        close: async () => undefined,
      };
    case 'folder': {
      const { folder: root, prefix, staleUploadMs } = config;
      const folder = new Folder(root);
      const sweeper = staleUploadMs === 0 ? undefined : createFolderSweeper(folder, staleUploadMs, log);
      return {
        backend: createFolderBackend({ root, prefix }),
        outboxStore: createFolderOutboxStore(folder),
        probe: () => probeFolder(folder),
        standsOn: 'folder',
        start: () => sweeper?.start(),
        close: async () => await sweeper?.close(),
      };
    }
    case 's3': {
      const client = createS3Client(config.aws);
      observeAwsCalls(client, 'S3');
      const detect = config.aws.endpoint === undefined ? undefined : detectFeatures;
      const store = new ObjectStore(client, config.bucket, detect);
      const { prefix, staleUploadMs } = config;
      const sweeper =
        staleUploadMs === 0 ? undefined : createSweeper({ store, prefix, olderThanMs: staleUploadMs, log });
      return {
        backend: createS3Backend({ store, prefix, budget, spool }),
        outboxStore: createOutboxStore(store),
        probe: () => probeBucket(store),
        standsOn: 'bucket',
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
  }
}
