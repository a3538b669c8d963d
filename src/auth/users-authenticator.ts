import { availableParallelism } from 'node:os';
import { sourceOf } from '../addresses/source-of.ts';
import type { AuthenticationMethod, Authenticator, Credentials, FurtherProof } from '../contract/auth.ts';
import type { Connection, Principal } from '../contract/context.ts';
import { findAuthorizedKey } from '../keys/authorized-keys.ts';
import { decoyHash, verifyPassword } from './passwords.ts';
import { Turns } from './turns.ts';
import type { User } from './users-document.ts';

/** One of Node's four worker threads is left to files and names of hosts. */
const MAX_CHECKS_AT_ONCE = 3;

/** The processor is one for all who ask. */
const turns = new Turns(Math.min(availableParallelism(), MAX_CHECKS_AT_ONCE));

/**
 * Authenticates against the users of a document. A name that is not in it, or has no password, costs one
 * password check like any other, so the time of an answer does not tell who exists.
 */
export function createUsersAuthenticator(users: readonly User[]): Authenticator {
  const byName = new Map(users.map((user) => [user.principal.username, user]));
  const decoy = decoyHash(users.find((user) => user.passwordHash !== undefined)?.passwordHash);
  return {
    authenticate: (credentials, connection, proven) =>
      judge({ user: byName.get(credentials.username), decoy }, credentials, connection, proven),
    waivesTouch: (credentials, connection) =>
      waivesTouch(byName.get(credentials.username), credentials, connection),
  };
}

/** What is shown against what a user has; undefined stands for who does not exist, and has the decoy as a hash. */
export async function judge(
  { user, decoy }: { readonly user: User | undefined; readonly decoy: string },
  credentials: Credentials,
  connection: Connection,
  proven: ReadonlySet<AuthenticationMethod>,
): Promise<Principal | FurtherProof | undefined> {
  const isRight =
    credentials.method === 'password'
      ? await isPasswordRight(user?.passwordHash ?? decoy, credentials.password, connection)
      : findAuthorizedKey(user?.publicKeys ?? [], credentials, connection) !== undefined;
  if (!isRight || user === undefined) return undefined;
  const next = user.requires.filter((method) => method !== credentials.method && !proven.has(method));
  if (next.length === 0) return user.principal;
  const { limits } = user.principal;
  return { next, ...(limits === undefined ? {} : { limits }) };
}

async function isPasswordRight(
  hash: string,
  password: string,
  { clientAddress }: Connection,
): Promise<boolean> {
  const source = sourceOf(clientAddress);
  const isRight = await turns.take(source, () => verifyPassword(hash, password));
  if (isRight) turns.trust(source);
  return isRight;
}

/** As `Authenticator.waivesTouch`. */
export function waivesTouch(
  user: User | undefined,
  credentials: Extract<Credentials, { readonly method: 'publickey' }>,
  connection: Connection,
): boolean {
  return findAuthorizedKey(user?.publicKeys ?? [], credentials, connection)?.requiresTouch === false;
}
