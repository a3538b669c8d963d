import { readFile } from 'node:fs/promises';
import type { User } from './auth/users-document.ts';
import { createUsersSource, type UsersSource } from './auth/users-source.ts';
import type { Config, HostKeysConfig, UsersConfig } from './config/load.ts';
import { createSecretReader } from './secrets/secrets-manager.ts';
import { type HostKey, loadHostKeys } from './ssh/host-keys.ts';
import { parseHostKeysDocument } from './ssh/host-keys-document.ts';

/** After how long the users are read again, in milliseconds: a file costs nothing, a secret is a request each time. */
const REREAD_FILE_MS = 5_000;
const REREAD_SECRET_MS = 60_000;

/** What has to be read before anything runs: from files, or from secrets. */
export interface Materials {
  readonly hostKeys: readonly HostKey[];
  readonly users: readonly User[];
  /** Where the users can be read again. */
  readonly usersSource: UsersSource;
}

/** @throws what is wrong with the host keys (HostKeyError, SecretError), with the users (UsersSourceError), or an AggregateError of both. */
export async function loadMaterials(config: Config): Promise<Materials> {
  const usersSource = toUsersSource(config.users);
  const [hostKeys, users] = await Promise.allSettled([readHostKeys(config.hostKeys), usersSource.load()]);
  if (hostKeys.status === 'fulfilled' && users.status === 'fulfilled') {
    return { hostKeys: hostKeys.value, users: users.value, usersSource };
  }
  const errors = [hostKeys, users].flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
  throw errors.length === 1 ? errors[0] : new AggregateError(errors);
}

async function readHostKeys(config: HostKeysConfig): Promise<HostKey[]> {
  if (config.kind === 'folder') return await loadHostKeys(config.folder);
  return parseHostKeysDocument(await createSecretReader(config)(), config.variable);
}

function toUsersSource(config: UsersConfig): UsersSource {
  if (config.kind === 'secret') {
    const { variable } = config;
    return createUsersSource({ variable, rereadMs: REREAD_SECRET_MS, read: createSecretReader(config) });
  }
  const variable = 'SLUICE_USERS_FILE';
  const read = () =>
    readFile(config.file, 'utf8').catch((error: Error) => {
      throw new Error(`${variable}: it cannot be read: ${error.message}`);
    });
  return createUsersSource({ variable, rereadMs: REREAD_FILE_MS, read });
}
