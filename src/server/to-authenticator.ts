import { readFile } from 'node:fs/promises';
import type { AppParts } from '../app.ts';
import { withCheckedAnswers } from '../auth/checked-answers.ts';
import { createRereadingAuthenticator } from '../auth/rereading-authenticator.ts';
import { createUsersAuthenticator } from '../auth/users-authenticator.ts';
import { readUsersDocument, UsersDocumentError } from '../auth/users-document.ts';
import { createUsersSource, UsersSourceError } from '../auth/users-source.ts';
import type { Log } from '../contract/log.ts';
import type { AuthSource, UsersFile } from './options.ts';
import { OptionsError } from './options-error.ts';

/** After how long the file is read again, in milliseconds. */
const REREAD_MS = 5_000;

/** @throws OptionsError naming each user and field that is wrong. */
export async function toAuthenticator(auth: AuthSource, log: Log): Promise<AppParts['authenticator']> {
  if (typeof auth === 'function') return withCheckedAnswers({ authenticate: auth }, 'auth');
  if (typeof auth !== 'object' || auth === null) throw new OptionsError([`auth: ${RIGHT}`]);
  if ('authenticate' in auth && typeof auth.authenticate === 'function')
    return withCheckedAnswers(auth, 'auth');
  try {
    if ('usersFile' in auth) return await createFileAuthenticator(auth, log);
    if ('users' in auth) return createUsersAuthenticator(readUsersDocument(auth));
  } catch (error) {
    if (!(error instanceof UsersDocumentError) && !(error instanceof UsersSourceError)) throw error;
    throw new OptionsError(error.faults.map((fault) => `auth: ${fault}`));
  }
  throw new OptionsError([`auth: ${RIGHT}`]);
}

const RIGHT =
  'must be a function that answers with a principal or undefined, an object with such a function as authenticate, { users: [...] }, or { usersFile }';

async function createFileAuthenticator(
  { usersFile }: UsersFile,
  log: Log,
): Promise<AppParts['authenticator']> {
  const read = () =>
    readFile(usersFile, 'utf8').catch((error: Error) => {
      throw new Error(`usersFile: it cannot be read: ${error.message}`);
    });
  const source = createUsersSource({ variable: 'usersFile', rereadMs: REREAD_MS, read });
  return createRereadingAuthenticator({ users: await source.load(), source, log });
}
