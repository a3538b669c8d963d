import { readFile } from 'node:fs/promises';
import { createWebhookIdentities, type Identities, readIdentities } from './auth/identities.ts';
import { loadModuleIdentities } from './auth/module-identities.ts';
import { createSecretIdentities } from './auth/secret-identities.ts';
import { createUsersSource, type UsersSource } from './auth/users-source.ts';
import type { Config, HostKeysConfig, SecretConfig, UsersDocumentConfig } from './config/load.ts';
import { type HostKey, loadHostKeys } from './ssh/host-keys.ts';
import { parseHostKeysDocument } from './ssh/host-keys-document.ts';

/** After how long the users are read again, in milliseconds: a file costs nothing, a secret is a request each time. */
const REREAD_FILE_MS = 5_000;
const REREAD_SECRET_MS = 60_000;

/** What has to be read before anything runs: from files, or from secrets. */
export interface Materials {
  readonly hostKeys: readonly HostKey[];
  /** Who may come in. */
  readonly identities: Identities;
}

/**
 * `rereadMs`: after how long users are read again, where that is not to be as their source has it.
 * @throws what is wrong with the host keys (HostKeyError, SecretError), with the users (UsersSourceError, AuthModuleError), or an
 * AggregateError of both.
 */
export async function loadMaterials(config: Config, rereadMs?: number): Promise<Materials> {
  const [hostKeys, identities] = await Promise.allSettled([
    readHostKeys(config.hostKeys),
    findIdentities(config, rereadMs),
  ]);
  if (hostKeys.status === 'fulfilled' && identities.status === 'fulfilled') {
    return { hostKeys: hostKeys.value, identities: identities.value };
  }
  const errors = [hostKeys, identities].flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
  throw errors.length === 1 ? errors[0] : new AggregateError(errors);
}

async function readHostKeys(config: HostKeysConfig): Promise<HostKey[]> {
  if (config.kind === 'folder') return await loadHostKeys(config.folder);
  return parseHostKeysDocument(await (await readerOf(config))(), config.variable);
}

async function findIdentities(
  { users: config, backend }: Config,
  rereadMs: number | undefined,
): Promise<Identities> {
  switch (config.kind) {
    case 'webhook':
      return createWebhookIdentities(config);
    case 'secrets':
      return createSecretIdentities({
        ...config,
        bucket: backend.kind === 's3' ? backend.bucket : undefined,
        find: (await import('./secrets/find-secret.ts')).createSecretFinder(config),
      });
    case 'module':
      return await loadModuleIdentities(config.module);
    default: {
      const source = await toUsersSource(config);
      return await readIdentities(rereadMs === undefined ? source : { ...source, rereadMs });
    }
  }
}

async function toUsersSource(config: UsersDocumentConfig): Promise<UsersSource> {
  if (config.kind === 'secret') {
    const { variable } = config;
    return createUsersSource({ variable, rereadMs: REREAD_SECRET_MS, read: await readerOf(config) });
  }
  const variable = 'SLUICE_USERS_FILE';
  const read = () =>
    readFile(config.file, 'utf8').catch((error: Error) => {
      throw new Error(`${variable}: it cannot be read: ${error.message}`);
    });
  return createUsersSource({ variable, rereadMs: REREAD_FILE_MS, read });
}

/** The client of Secrets Manager is loaded where there are secrets. */
async function readerOf(config: SecretConfig): Promise<() => Promise<string>> {
  return (await import('./secrets/secrets-manager.ts')).createSecretReader(config);
}
