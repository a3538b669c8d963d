import { parseUsersDocument, UsersDocumentError } from './users-document.ts';

/** A user's entry as it is written (docs/users.md). */
export interface UserEntry {
  readonly username: string;
  readonly passwordHash?: string;
  readonly publicKeys?: readonly string[];
  readonly session?: Readonly<Record<string, string>>;
  readonly permissions?: readonly string[];
  readonly folders?: readonly { readonly path: string; readonly target?: string }[];
  readonly home?: string;
}

/**
 * The users document with one more user, everything else in it as it was.
 * @throws UsersDocumentError when the document is wrong, or would be with that user: they are there already, for one.
 */
export function addUser(document: string, entry: UserEntry): string {
  parseUsersDocument(document);
  const { users } = JSON.parse(document) as { readonly users: readonly UserEntry[] };
  if (users.some(({ username }) => username === entry.username)) {
    throw new UsersDocumentError([`user "${entry.username}" is there already`]);
  }
  const extended = `${JSON.stringify({ users: [...users, entry] }, undefined, 2)}\n`;
  parseUsersDocument(extended);
  return extended;
}
