import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BackendFactory, ManagedBackend } from '../../contract/backend-source.ts';
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
  const exported = await importModule(specifier);
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

async function importModule(specifier: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(locate(specifier));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackendError(`the module ${specifier} cannot be imported: ${reason}`, { cause: error });
  }
}

function locate(specifier: string): string {
  if (specifier.startsWith('file:')) return specifier;
  if (/^\.{0,2}\//.test(specifier)) return pathToFileURL(resolve(specifier)).href;
  try {
    const fromHere = createRequire(pathToFileURL(resolve('any.js')));
    return pathToFileURL(fromHere.resolve(specifier)).href;
  } catch {
    // One that `require` does not find may be for `import` alone, which looks beside this package.
    return specifier;
  }
}
