import { parseJson } from '../contract/json.ts';
import { digestPassword, isPasswordHash } from './passwords.ts';
import {
  isTransferSecret,
  readTransferSecret,
  type TransferOptions,
  TransferSecretError,
} from './transfer-secret.ts';
import { readUsersDocument, type User, UsersDocumentError } from './users-document.ts';
import { withoutUndefined } from './without-undefined.ts';

export interface UserSecretOptions extends TransferOptions {
  /** Where files are kept; undefined where that is no bucket. */
  readonly bucket: string | undefined;
}

/** A user's secret cannot be used; each of `faults` names the field, and none shows a value. */
export class UserSecretError extends Error {
  override name = 'UserSecretError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

/**
 * Reads the secret of one user: an entry of the users document (docs/users.md), with or without its `username`, or what AWS's identity
 * providers for Transfer Family keep of one (docs/from-transfer-family.md), where `session`, `permissions` and `requires` may stand beside.
 * @throws UserSecretError with everything that is wrong.
 */
export function parseUserSecret(text: string, options: UserSecretOptions): User {
  try {
    const json = parseJson(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new UserSecretError(['it is no JSON object']);
    }
    const secret = json as Readonly<Record<string, unknown>>;
    return isTransferSecret(secret) ? fromTransfer(secret, options) : readEntry(secret, options.username);
  } catch (error) {
    if (error instanceof TransferSecretError) throw new UserSecretError(error.faults);
    if (error instanceof SyntaxError) throw new UserSecretError([error.message]);
    throw error;
  }
}

function readEntry(entry: Readonly<Record<string, unknown>>, username: string): User {
  if (entry['username'] !== undefined && entry['username'] !== username) {
    throw new UserSecretError(['username: is not that of the secret']);
  }
  try {
    const [user] = readUsersDocument({ users: [{ ...entry, username }] });
    if (user !== undefined) return user;
  } catch (error) {
    if (!(error instanceof UsersDocumentError)) throw error;
    throw new UserSecretError(error.faults.map((fault) => fault.replace(/^users\[0\] \("[^"]*"\) /, '')));
  }
  throw new UserSecretError(['it has no user']);
}

/** Of the right form, and of no password. */
const SOME_HASH = '$argon2id$v=19$m=65536,t=3,p=4$none$none';

function fromTransfer(secret: Readonly<Record<string, unknown>>, options: UserSecretOptions): User {
  const { password, bucket, folders, ...entry } = readTransferSecret(secret, options);
  const { permissions, requires, session } = secret;
  const isHash = password !== undefined && isPasswordHash(password);
  /** The service's own needs no mention, and where files are kept elsewhere there is none. */
  const toBucket = (name: string | undefined) =>
    options.bucket === undefined || name === options.bucket ? undefined : name;
  const user = readEntry(
    withoutUndefined({
      ...entry,
      passwordHash: password === undefined || isHash ? password : SOME_HASH,
      session: { ...entry.session, ...Object(session) },
      bucket: toBucket(bucket),
      folders: folders?.map((folder) => withoutUndefined({ ...folder, bucket: toBucket(folder.bucket) })),
      permissions,
      requires,
    }),
    options.username,
  );
  const isClear = password !== undefined && !isHash;
  return isClear ? { ...user, passwordHash: digestPassword(password) } : user;
}
