import type { BackendConfig } from '../config/load.ts';
import type { CreatedBackend } from '../contract/backend-source.ts';
import { loadBackendModule } from './custom/load-module.ts';
import { openCustomBackend, toCreatedBackend } from './custom/open.ts';
import { createMemoryBackend } from './memory/memory.ts';
import type { S3Resources } from './s3/open.ts';

/** What a backend may use of the process: all that S3 does, which uses most. */
export type BackendResources = S3Resources;

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
      return await openS3Backend(config, resources);
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
