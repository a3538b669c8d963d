import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Imports a module of whoever runs the service: a path from the working directory, an absolute one, a `file:` URL, or the name of a
 * package that is installed there or beside this one. Rejects with one sentence that names it.
 */
export async function importModule(specifier: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(locate(specifier));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the module ${specifier} cannot be imported: ${reason}`, { cause: error });
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
