import type { Authenticator, Credentials } from '../contract/auth.ts';
import type { Connection } from '../contract/context.ts';
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

  async function hasCredentials(
    user: User | undefined,
    credentials: Credentials,
    connection: Connection,
  ): Promise<boolean> {
    switch (credentials.method) {
      case 'password':
        return await verifyPassword(user?.passwordHash ?? decoy, credentials.password);
      case 'publickey':
        return findAuthorizedKey(user?.publicKeys ?? [], credentials, connection) !== undefined;
    }
  }

  return {
    authenticate: async (credentials, connection, proven) => {
      const user = byName.get(credentials.username);
      if (!(await hasCredentials(user, credentials, connection)) || user === undefined) return undefined;
      const next = user.requires.filter((method) => method !== credentials.method && !proven.has(method));
      return next.length === 0 ? user.principal : { next };
    },
    waivesTouch: (credentials, connection) => {
      const publicKeys = byName.get(credentials.username)?.publicKeys ?? [];
      return findAuthorizedKey(publicKeys, credentials, connection)?.requiresTouch === false;
    },
  };
}
