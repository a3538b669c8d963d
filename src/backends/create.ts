import type { MemoryBudget } from '../buffers/budget.ts';
import type { Spool } from '../buffers/spool.ts';
import type { BackendConfig } from '../config/load.ts';
import type { CreatedBackend } from '../contract/backend-source.ts';
import type { Log } from '../contract/log.ts';
import type { ObserveAwsCalls } from '../telemetry/aws-calls.ts';
import { loadBackendModule } from './custom/load-module.ts';
import { openCustomBackend, toCreatedBackend } from './custom/open.ts';
import { createMemoryBackend } from './memory/memory.ts';

/** What a backend may use of the process. */
export interface BackendResources {
  readonly budget: MemoryBudget;
  readonly spool: Spool | undefined;
  readonly log: Log;
  readonly observeAwsCalls: ObserveAwsCalls;
}

/**
 * The backend of a configuration. The code of one that brings libraries of its own is loaded when it is asked for.
 * @throws BackendError when a module has none, or it cannot be initialised.
 */
export async function createBackend(
  config: BackendConfig,
  resources: BackendResources,
): Promise<CreatedBackend> {
  switch (config.kind) {
    case 'memory':
      return toCreatedBackend(createMemoryBackend());
    case 'folder': {
      const { openFolderBackend } = await import('./folder/open.ts');
      return openFolderBackend(config, resources.log);
    }
    case 's3': {
      const { openS3Backend } = await import('./s3/open.ts');
      return openS3Backend(config, resources);
    }
    case 'process': {
      const { openProcessBackend } = await import('./process/open.ts');
      const { log, budget: memory } = resources;
      return toCreatedBackend(await openProcessBackend(config, { log, memory }));
    }
    case 'module': {
      const { specifier, options } = config;
      const { log, budget: memory } = resources;
      const custom = { what: `the module ${specifier}`, options };
      return await openCustomBackend(await loadBackendModule(specifier), custom, { log, memory });
    }
  }
}
