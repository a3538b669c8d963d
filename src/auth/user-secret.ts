import { parseJson } from '../contract/json.ts';
import { parseAddressPatterns } from '../keys/address-patterns.ts';
import { digestPassword, isPasswordHash } from './passwords.ts';
import {
  isTransferSecret,
  readTransferSecret,
  type TransferOptions,
  TransferSecretError,
} from './transfer-secret.ts';
import { readUsersDocument, type User, UsersDocumentError } from './users-document.ts';

/** A user as their secret has them. */
export interface SecretUser {
  readonly user: User;
  /** Whether they may come from this address. */
  readonly comesFrom: (address: string) => boolean;
}

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

const fromAnywhere = () => true;

/**
 * Reads the secret of one user: an entry of the users document (docs/users.md), with or without its `username`, or what AWS's identity
 * providers for Transfer Family keep of one (docs/from-transfer-family.md), where `session`, `permissions` and `requires` may stand beside.
 * @throws UserSecretError with everything that is wrong.
 */
export function parseUserSecret(text: string, options: UserSecretOptions): SecretUser {
  try {
    const json = parseJson(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new UserSecretError(['it is no JSON object']);
    }
    const secret = json as Readonly<Record<string, unknown>>;
    return isTransferSecret(secret)
      ? fromTransfer(secret, options)
      : { user: readEntry(secret, options.username), comesFrom: fromAnywhere };
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

function fromTransfer(secret: Readonly<Record<string, unknown>>, options: UserSecretOptions): SecretUser {
  const { password, publicKeys, session, bucket, folders, limits } = readTransferSecret(secret, options);
  if (folders.length > 0) {
    throw new UserSecretError([
      'HomeDirectoryDetails: has folders beside "/", and one is all that a user has here',
    ]);
  }
  if (bucket !== undefined && options.bucket !== undefined && bucket !== options.bucket) {
    throw new UserSecretError(['the home is in another bucket than that of SLUICE_BUCKET']);
  }
  const { permissions, requires, session: further } = secret;
  const isHash = password !== undefined && isPasswordHash(password);
  const user = readEntry(
    {
      ...(password === undefined ? {} : { passwordHash: isHash ? password : SOME_HASH }),
      publicKeys,
      session: { ...session, ...Object(further) },
      ...(permissions === undefined ? {} : { permissions }),
      ...(requires === undefined ? {} : { requires }),
    },
    options.username,
  );
  const isClear = password !== undefined && !isHash;
  return {
    user: isClear ? { ...user, passwordHash: digestPassword(password) } : user,
    comesFrom: parseAddressPatterns(limits?.addresses.join(',') ?? '*') ?? fromAnywhere,
  };
}
