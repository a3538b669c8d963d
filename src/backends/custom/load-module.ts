import type { BackendFactory, ManagedBackend } from '../../contract/backend-source.ts';
import { importModule } from '../../modules/import-module.ts';
import { assertBackend, BackendError, isAttempt, isFactory } from './check.ts';

/** What a module may export, for messages. */
const RIGHT =
  'export a function init(options, { log, memory }) that returns a backend, or a backend as default';

/**
 * Imports a module that has a backend: a path from the working directory, an absolute one, a `file:` URL, or the name of a
 * package that is installed there or beside this one.
 * @throws BackendError when it cannot be imported, or exports something else.
 */
export async function loadBackendModule(specifier: string): Promise<BackendFactory | ManagedBackend> {
  const exported = await importModule(specifier).catch((error: Error) => {
    throw new BackendError(error.message, { cause: error });
  });
  const candidates = [exported, exported['default'], exported['backend']];
  const factory = candidates.find(isFactory);
  if (factory !== undefined) return factory;
  const backend = candidates.find(isAttempt);
  if (backend === undefined) {
    const names = Object.keys(exported);
    const found = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`;
    throw new BackendError(`the module ${specifier} has no backend (${found}): ${RIGHT}`);
  }
  assertBackend(backend, `the backend of the module ${specifier}`);
  return backend;
}
