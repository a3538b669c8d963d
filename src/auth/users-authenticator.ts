import type { AuthenticationMethod, Authenticator, Credentials, FurtherProof } from '../contract/auth.ts';
import type { Connection, Principal } from '../contract/context.ts';
import { findAuthorizedKey } from '../keys/authorized-keys.ts';
import { decoyHash, verifyPassword } from './passwords.ts';
import type { User } from './users-document.ts';

/**
 * Authenticates against the users of a document. A name that is not in it, or has no password, costs one
 * password check like any other, so the time of an answer does not tell who exists.
 */
export async function createUsersAuthenticator(users: readonly User[]): Promise<Authenticator> {
  const byName = new Map(users.map((user) => [user.principal.username, user]));
  const decoy = await decoyHash(users.find((user) => user.passwordHash !== undefined)?.passwordHash);
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
      ? await verifyPassword(user?.passwordHash ?? decoy, credentials.password)
      : findAuthorizedKey(user?.publicKeys ?? [], credentials, connection) !== undefined;
  if (!isRight || user === undefined) return undefined;
  const next = user.requires.filter((method) => method !== credentials.method && !proven.has(method));
  if (next.length === 0) return user.principal;
  const { limits } = user.principal;
  return { next, ...(limits === undefined ? {} : { limits }) };
}

/** As `Authenticator.waivesTouch`. */
export function waivesTouch(
  user: User | undefined,
  credentials: Extract<Credentials, { readonly method: 'publickey' }>,
  connection: Connection,
): boolean {
  return findAuthorizedKey(user?.publicKeys ?? [], credentials, connection)?.requiresTouch === false;
}
