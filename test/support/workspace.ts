import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashPassword } from '../../src/auth/passwords.ts';
import { generateHostKeys } from '../../src/ssh/host-keys.ts';
import { run } from './processes.ts';

export const USERNAME = 'acme';
export const PASSWORD = 'correct horse battery staple';

/** A folder with everything that a service and its clients need: keys, users, known hosts. */
export interface Workspace {
  readonly folder: string;
  readonly hostKeysDir: string;
  readonly usersFile: string;
  /** The client's private key. */
  readonly identity: string;
  path(name: string): string;
  remove(): Promise<void>;
}

export interface WorkspaceOptions {
  /** Of the client's key, as `ssh-keygen -t` has them. */
  readonly keyType?: 'ed25519' | 'ecdsa' | 'rsa';
  readonly permissions?: readonly string[];
  /** What the user has to show, all of it. */
  readonly requires?: readonly string[];
}

export async function createWorkspace(options: WorkspaceOptions = {}): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const path = (name: string) => join(folder, name);
  const identity = path('identity');
  await generateHostKeys(path('host-keys'));
  const made = await run('ssh-keygen', ['-q', '-t', options.keyType ?? 'ed25519', '-N', '', '-f', identity]);
  if (made.code !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
  const user = {
    username: USERNAME,
    passwordHash: await hashPassword(PASSWORD),
    publicKeys: [(await readFile(`${identity}.pub`, 'utf8')).trim()],
    session: { prefix: 'tenants/acme/' },
    ...(options.permissions === undefined ? {} : { permissions: options.permissions }),
    ...(options.requires === undefined ? {} : { requires: options.requires }),
  };
  await writeFile(path('users.json'), JSON.stringify({ users: [user] }));
  await writeFile(path('askpass'), `#!/bin/sh\necho '${PASSWORD}'\n`, { mode: 0o700 });
  return {
    folder,
    hostKeysDir: path('host-keys'),
    usersFile: path('users.json'),
    identity,
    path,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
