import type { MemoryBudget } from '../buffers/budget.ts';
import type { Spool } from '../buffers/spool.ts';
import type { BackendConfig } from '../config/load.ts';
import type { Backend } from '../contract/backend.ts';
import type { Probe } from '../contract/probe.ts';
import { createMemoryBackend } from './memory/memory.ts';
import { createS3Backend } from './s3/backend.ts';
import { createS3Client } from './s3/client.ts';
import { probeBucket } from './s3/probe.ts';
import { ObjectStore } from './s3/store.ts';

export interface CreatedBackend {
  readonly backend: Backend;
  /** Whether what the backend stands on is there. */
  readonly probe: Probe;
  close(): void;
}

export function createBackend(config: BackendConfig, budget: MemoryBudget, spool?: Spool): CreatedBackend {
  switch (config.kind) {
    case 'memory':
      return { backend: createMemoryBackend(), probe: async () => ({ state: 'ok' }), close: () => undefined };
    case 's3': {
      const client = createS3Client(config.aws);
      const store = new ObjectStore(client, config.bucket);
      return {
        backend: createS3Backend({ store, prefix: config.prefix, budget, spool }),
        probe: () => probeBucket(store),
        close: () => client.destroy(),
      };
    }
  }
}
