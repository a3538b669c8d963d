import { z } from 'zod';
import type { AuthenticationMethod } from '../contract/auth.ts';
import type { Principal } from '../contract/context.ts';
import { parseJson } from '../contract/json.ts';
import { type AuthorizedKey, parseAuthorizedKey } from '../keys/authorized-keys.ts';
import { PublicKeyError } from '../keys/public-key.ts';
import { isPasswordHash } from './passwords.ts';
import { principalFields, toPrincipal } from './principal-fields.ts';

/** One user who may come in. */
export interface User {
  readonly principal: Principal;
  readonly passwordHash: string | undefined;
  readonly publicKeys: readonly AuthorizedKey[];
  /** What they have to show, all of it; any one thing that they have where it is empty. */
  readonly requires: readonly AuthenticationMethod[];
}

/** The document cannot be used; `faults` says of which user and which field, one sentence each. */
export class UsersDocumentError extends Error {
  override name = 'UsersDocumentError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the users document is invalid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

const publicKey = z.string().transform((line, context) => {
  try {
    return parseAuthorizedKey(line);
  } catch (error) {
    if (!(error instanceof PublicKeyError)) throw error;
    context.addIssue(error.message);
    return z.NEVER;
  }
});

const USERNAME = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}$/;

/** Whether anybody could have this name. */
export function isUsername(text: string): boolean {
  return USERNAME.test(text);
}

const user = z
  .strictObject({
    username: z.string().regex(USERNAME, 'must be 1 to 64 letters, digits or _ . @ + -'),
    passwordHash: z
      .string()
      .refine(isPasswordHash, {
        error: 'must be a hash of argon2id, bcrypt or scrypt; make one with: sluice hash-password',
      })
      .optional(),
    publicKeys: z.array(publicKey).default([]),
    ...principalFields,
    requires: z.array(z.enum(['publickey', 'password'])).default([]),
  })
  .refine(({ passwordHash, publicKeys }) => passwordHash !== undefined || publicKeys.length > 0, {
    error: 'has neither passwordHash nor publicKeys, so nobody could log in',
  })
  .refine(
    ({ requires, passwordHash, publicKeys }) =>
      (passwordHash !== undefined || !requires.includes('password')) &&
      (publicKeys.length > 0 || !requires.includes('publickey')),
    { error: 'requires what it does not have, so nobody could log in' },
  );

const document = z.strictObject({ users: z.array(user) });

/**
 * Reads the users document (docs/users.md).
 * @throws UsersDocumentError naming every user and field that is wrong.
 */
export function parseUsersDocument(text: string): User[] {
  try {
    return readUsersDocument(parseJson(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsersDocumentError([error.message]);
  }
}

/** The same of one that is an object already. */
export function readUsersDocument(json: unknown): User[] {
  const parsed = document.safeParse(json);
  if (!parsed.success) {
    throw new UsersDocumentError(parsed.error.issues.map((issue) => describe(issue, json)));
  }
  const users = parsed.data.users.map(({ username, passwordHash, publicKeys, requires, ...fields }) => ({
    principal: toPrincipal(username, fields),
    passwordHash,
    publicKeys,
    requires,
  }));
  assertUnique(users);
  return users;
}

function assertUnique(users: readonly User[]): void {
  const names = users.map(({ principal }) => principal.username);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) {
    throw new UsersDocumentError([...new Set(twice)].map((name) => `user "${name}" is there more than once`));
  }
}

/** `users[1] ("acme") passwordHash: must be ...` */
function describe(issue: z.core.$ZodIssue, json: unknown): string {
  const [list, index, ...field] = issue.path;
  if (list !== 'users' || typeof index !== 'number')
    return `${issue.path.join('.') || 'it'}: ${issue.message}`;
  const name = (json as { users: { username?: unknown }[] }).users[index]?.username;
  const who = `users[${index}]${typeof name === 'string' ? ` ("${name}")` : ''}`;
  return field.length === 0 ? `${who} ${issue.message}` : `${who} ${field.join('.')}: ${issue.message}`;
}
