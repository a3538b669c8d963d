import type { Authenticator } from '../contract/auth.ts';
import { importModule } from '../modules/import-module.ts';
import { withCheckedAnswers } from './checked-answers.ts';
import type { Identities } from './identities.ts';

/** What a module may export, for messages. */
const RIGHT =
  'export a function authenticate(credentials, connection, proven), or a function init() that returns an object with such a one';

type Exported = Readonly<Record<string, unknown>>;

/** An authenticator cannot be had of a module; the message says why, and what would be right. */
export class AuthModuleError extends Error {
  override name = 'AuthModuleError';
}

/**
 * Whoever a module of somebody else's says may come in (docs/authentication.md).
 * The promise rejects with an AuthModuleError when it cannot be imported, or has no authenticator.
 */
export async function loadModuleIdentities(specifier: string): Promise<Identities> {
  const authenticator = await loadAuthenticator(specifier).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuthModuleError(`SLUICE_AUTH_MODULE: ${reason}`, { cause: error });
  });
  return {
    summary: `asked of the module ${specifier}`,
    open: async () => withCheckedAnswers(authenticator, 'SLUICE_AUTH_MODULE'),
  };
}

async function loadAuthenticator(specifier: string): Promise<Authenticator> {
  const exported = await importModule(specifier);
  const candidates = [exported, exported['default']].filter((value) => isObject(value));
  const ready = candidates.find(isAuthenticator);
  if (ready !== undefined) return ready;
  const init = candidates.map((value) => value['init']).find((value) => typeof value === 'function');
  const made: unknown = await init?.();
  if (isObject(made) && isAuthenticator(made)) return made;
  throw new Error(`the module ${specifier} has no authenticator: ${RIGHT}`);
}

function isObject(value: unknown): value is Exported {
  return typeof value === 'object' && value !== null;
}

function isAuthenticator(value: Exported): value is Exported & Authenticator {
  return typeof value['authenticate'] === 'function';
}
