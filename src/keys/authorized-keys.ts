import { parseAddressPatterns } from '../addresses/address-patterns.ts';
import type { Credentials, PublicKey } from '../contract/auth.ts';
import type { Connection } from '../contract/context.ts';
import { EMPTY_OPTIONS, type KeyOptions, readOptions, splitOptions } from './key-options.ts';
import { decodePublicKey, isSameKey, KEY_TYPES, PublicKeyError } from './public-key.ts';

/** A key by which somebody may log in, and on which terms. */
export interface AuthorizedKey {
  readonly key: PublicKey;
  /** What follows the key; empty when nothing does. */
  readonly comment: string;
  /** `from="..."`: addresses and patterns of them that it may come from; undefined: from anywhere. */
  readonly from: string | undefined;
  /** `expiry-time="..."`: when it ceases to be accepted; undefined: never. */
  readonly expiresAt: Date | undefined;
  /** Whether somebody has to touch the authenticator that a security key is in: `no-touch-required` says no. */
  readonly requiresTouch: boolean;
  /** `verify-required`: whether a security key has to know by PIN or fingerprint who touches it. */
  readonly requiresVerification: boolean;
}

/** Lines that cannot be used; each of `faults` has its number, and shows nothing of it. */
export class AuthorizedKeysError extends Error {
  override name = 'AuthorizedKeysError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

const RIGHT = 'must be a line of an authorized_keys file: "ssh-ed25519 AAAA... comment"';

/** Any type of key, also one that is not accepted, and the beginning of its bytes. */
const LOOKS_LIKE_KEY = /^(?:ssh-|ecdsa-|sk-)[\w@.-]+[ \t]+AAAA/;

/**
 * Reads one line of `authorized_keys`: options, type, base64, comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 * @throws PublicKeyError when it is none, or has an option that would not be kept.
 */
export function parseAuthorizedKey(line: string): AuthorizedKey {
  const trimmed = line.trim();
  if (/[\r\n]/.test(trimmed)) throw new PublicKeyError('must be one line');
  if (trimmed === '' || trimmed.startsWith('#')) throw new PublicKeyError(RIGHT);
  const { options, rest } = LOOKS_LIKE_KEY.test(trimmed)
    ? { options: EMPTY_OPTIONS, rest: trimmed }
    : withOptions(trimmed);
  const [, algorithm = '', base64 = '', comment = ''] = /^(\S+)[ \t]+(\S+)[ \t]*(.*)$/.exec(rest) ?? [];
  if (!KEY_TYPES.includes(algorithm) && !LOOKS_LIKE_KEY.test(rest)) throw new PublicKeyError(RIGHT);
  return { key: decodePublicKey(algorithm, base64), comment, ...options };
}

/** Words before the key are options, unless there is no key at all. */
function withOptions(line: string): { readonly options: KeyOptions; readonly rest: string } {
  const { options, rest } = splitOptions(line);
  if (!LOOKS_LIKE_KEY.test(rest)) throw new PublicKeyError(RIGHT);
  return { options: readOptions(options), rest };
}

/**
 * Reads a file of `authorized_keys`: a key a line; empty lines and those that begin with `#` are passed over.
 * @throws AuthorizedKeysError naming every line that is wrong.
 */
export function parseAuthorizedKeys(text: string): AuthorizedKey[] {
  const faults: string[] = [];
  const keys = text.split(/\r?\n/).flatMap((line, index) => {
    if (/^\s*(?:#|$)/.test(line)) return [];
    try {
      return [parseAuthorizedKey(line)];
    } catch (error) {
      if (!(error instanceof PublicKeyError)) throw error;
      faults.push(`line ${index + 1} ${error.message}`);
      return [];
    }
  });
  if (faults.length > 0) throw new AuthorizedKeysError(faults);
  return keys;
}

/**
 * Which of the keys lets somebody in: the same key, from where it may come, not expired, and verified where that is required. Whether
 * a security key was touched is the server's to see to ({@link Authenticator.waivesTouch}). Undefined when none does.
 */
export function findAuthorizedKey(
  keys: readonly AuthorizedKey[],
  { key, securityKey }: Pick<Extract<Credentials, { method: 'publickey' }>, 'key' | 'securityKey'>,
  { clientAddress }: Pick<Connection, 'clientAddress'>,
): AuthorizedKey | undefined {
  const now = new Date();
  return keys.find(
    (candidate) =>
      isSameKey(candidate.key, key) &&
      (candidate.expiresAt === undefined || now < candidate.expiresAt) &&
      (candidate.from === undefined || parseAddressPatterns(candidate.from)?.(clientAddress) === true) &&
      // Who only asks whether the key would do has not used it yet.
      (!candidate.requiresVerification || securityKey === undefined || securityKey.userVerified),
  );
}
