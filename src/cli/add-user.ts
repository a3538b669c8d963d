import { chmod, chown, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { addUser, type UserEntry } from '../auth/add-user.ts';
import { hashPassword } from '../auth/passwords.ts';
import { parseAuthorizedKey } from '../keys/authorized-keys.ts';
import { fingerprint } from '../keys/public-key.ts';
import { createSecretReader, createSecretWriter } from '../secrets/secrets-manager.ts';
import { askPassword } from './ask-password.ts';
import { EXIT_MISCONFIGURED, explain } from './faults.ts';

export interface AddUserOptions {
  /** Files with a line each, as `.pub` files. */
  readonly publicKey?: readonly string[];
  /** Whether they have a password, which is asked for. */
  readonly password?: boolean;
  /** `KEY=VALUE` each. */
  readonly session?: readonly string[];
  /** With commas; all unless told. */
  readonly permissions?: string;
  /** `PATH=TARGET` each. */
  readonly folder?: readonly string[];
  readonly home?: string;
  /** Where the users document is: a file, or a secret by its ARN or name. */
  readonly file?: string;
  readonly secret?: string;
}

/** Where the users document is, and how it is named in messages. */
interface Place {
  readonly name: string;
  read(): Promise<string>;
  write(document: string): Promise<void>;
}

/** Of the right form, and of no password. */
const SOME_HASH = '$argon2id$v=19$m=65536,t=3,p=4$none$none';

/** `sluice add-user`: adds a user to the users document, in its file or its secret. Running servers see them by themselves. */
export async function addUserCommand(username: string, options: AddUserOptions): Promise<void> {
  try {
    const place = placeOf(options);
    let entry = await toEntry(username, options);
    if (options.password) {
      // What is wrong is told before anybody types a password.
      addUser(await place.read(), { ...entry, passwordHash: SOME_HASH });
      const password = await askPassword();
      if (password === undefined) {
        process.exitCode = EXIT_MISCONFIGURED;
        return;
      }
      entry = { ...entry, passwordHash: await hashPassword(password) };
    }
    await place.write(addUser(await place.read(), entry));
    process.stdout.write(
      `${username} may log in: added to ${place.name}. Running servers have read it within a minute.\n`,
    );
    for (const line of entry.publicKeys ?? []) {
      const { key, comment } = parseAuthorizedKey(line);
      process.stdout.write(`  key ${fingerprint(key)} ${key.algorithm} ${comment}`.trimEnd().concat('\n'));
    }
  } catch (error) {
    explain(error);
    process.exitCode = EXIT_MISCONFIGURED;
  }
}

/** All that the options say; the password is asked for. */
async function toEntry(username: string, options: AddUserOptions): Promise<UserEntry> {
  const { publicKey = [], session = [], permissions, folder = [], home } = options;
  const publicKeys = await Promise.all(publicKey.map(async (file) => (await readFile(file, 'utf8')).trim()));
  return {
    username,
    ...(publicKeys.length === 0 ? {} : { publicKeys }),
    ...(session.length === 0 ? {} : { session: Object.fromEntries(session.map(toAttribute)) }),
    ...(permissions === undefined ? {} : { permissions: permissions.split(',') }),
    ...(folder.length === 0 ? {} : { folders: folder.map(toFolder) }),
    ...(home === undefined ? {} : { home }),
  };
}

function toAttribute(text: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`--session ${text}: must be KEY=VALUE, such as prefix=tenants/acme/`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function toFolder(text: string): { path: string; target: string } {
  const [path = '', target, ...more] = text.split('=');
  if (target === undefined || more.length > 0)
    throw new Error(`--folder ${text}: must be PATH=TARGET, such as /in=/inbox`);
  return { path, target };
}

function placeOf({ file, secret: secretId }: AddUserOptions): Place {
  if (secretId !== undefined) {
    const source = { kind: 'secret', variable: 'SLUICE_USERS_SECRET', secretId, aws: {} } as const;
    return {
      name: `the secret ${secretId}`,
      read: createSecretReader(source),
      write: createSecretWriter(source),
    };
  }
  if (file === undefined) throw new Error('where are the users? Name the document by --file or --secret');
  return { name: file, read: () => readOrBegin(file), write: (document) => replace(file, document) };
}

/** A document that is not there has no users yet. */
function readOrBegin(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"users":[]}';
    throw error;
  });
}

/** In one step: a server that reads it meanwhile finds the old one or the new one. Who may read it may do so afterwards. */
async function replace(path: string, document: string): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, document, { mode: 0o600, flag: 'wx' });
  try {
    const former = await stat(path).catch(() => undefined);
    if (former !== undefined) {
      await chown(unfinished, former.uid, former.gid);
      await chmod(unfinished, former.mode & 0o777);
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
