import { resolve } from 'node:path';
import type { MemoryBudget } from '../buffers/budget.ts';
import type { Spool } from '../buffers/spool.ts';
import type { BackendConfig } from '../config/load.ts';
import type { Backend } from '../contract/backend.ts';
import type { Log } from '../contract/log.ts';
import type { OutboxStore } from '../contract/outbox-store.ts';
import type { Probe, ProbeResult } from '../contract/probe.ts';
import type { ObserveAwsCalls } from '../telemetry/aws-calls.ts';
import { createMemoryBackend } from './memory/memory.ts';
import { createProcessBackend, type ProcessBackend, type ProcessTarget } from './process/index.ts';
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
  /** Begins what the backend does by itself, beside requests. */
  start(): void;
  close(): Promise<void>;
}

export async function createBackend(
  config: BackendConfig,
  { budget, spool, log, observeAwsCalls }: BackendResources,
): Promise<CreatedBackend> {
  switch (config.kind) {
    case 'memory':
      return {
        backend: createMemoryBackend(),
        outboxStore: undefined,
        probe: async () => ({ state: 'ok' }),
        start: () => undefined,
        close: async () => undefined,
      };
    case 'process': {
      const backend = await createProcessBackend({ ...toTarget(config), session: true, memory: budget, log });
      return {
        backend,
        outboxStore: undefined,
        probe: () => probeProcess(backend, config.path),
        start: () => undefined,
        close: () => backend.close(),
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

function toTarget({ form, path }: Extract<BackendConfig, { kind: 'process' }>): ProcessTarget {
  if (form === 'unix') return { socket: path };
  const module = resolve(path);
  return form === 'worker' ? { worker: module } : { fork: module };
}

async function probeProcess(backend: ProcessBackend, path: string): Promise<ProbeResult> {
  try {
    await backend.ping();
    return { state: 'ok' };
  } catch (error) {
    return {
      state: 'unreachable',
      message: `the backend at ${path} does not answer: ${(error as Error).message}`,
    };
  }
}
