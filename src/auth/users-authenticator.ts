import type { Authenticator, Credentials } from '../contract/auth.ts';
import { decoyHash, verifyPassword } from './passwords.ts';
import { isSameKey } from './public-keys.ts';
import type { User } from './users-document.ts';

/**
 * Authenticates against the users of a document. A name that is not in it, or has no password, costs one
 * password check like any other, so the time of an answer does not tell who exists.
 */
export async function createUsersAuthenticator(users: readonly User[]): Promise<Authenticator> {
  const byName = new Map(users.map((user) => [user.principal.username, user]));
  const decoy = await decoyHash(users.find((user) => user.passwordHash !== undefined)?.passwordHash);

  async function hasCredentials(user: User | undefined, credentials: Credentials): Promise<boolean> {
    switch (credentials.method) {
      case 'password':
        return await verifyPassword(user?.passwordHash ?? decoy, credentials.password);
      case 'publickey':
        return user?.publicKeys.some((key) => isSameKey(key, credentials.key)) ?? false;
    }
  }

  return {
    authenticate: async (credentials, _connection, proven) => {
      const user = byName.get(credentials.username);
      if (!(await hasCredentials(user, credentials)) || user === undefined) return undefined;
      const next = user.requires.filter((method) => method !== credentials.method && !proven.has(method));
      if (next.length === 0) return user.principal;
      const { limits } = user.principal;
      return { next, ...(limits === undefined ? {} : { limits }) };
    },
  };
}
