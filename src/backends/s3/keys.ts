import type { Principal } from '../../contract/context.ts';
import { FsError } from '../../contract/errors.ts';

/** Marks an otherwise empty directory: a zero-byte object of this name in it. Never listed. */
export const DIRECTORY_MARKER = '.keep';

/** What the service itself keeps in the bucket (the outbox, for one). No client sees or reaches it. */
export const RESERVED_PREFIX = '.sluice/';

/** Objects of unfinished uploads. What a dead task leaves here is swept. */
export const STAGING_PREFIX = `${RESERVED_PREFIX}staging/`;

/** S3's longest key, in UTF-8 bytes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html). */
const MAX_KEY_BYTES = 1024;

const SESSION_PREFIX = 'session:';

/**
 * The one key mapper: from a principal and a normalised path to an S3 key. A static prefix is the same for all;
 * `session:KEY` takes it from the principal's session attributes.
 */
export class KeyMapper {
  readonly #staticPrefix: string;
  readonly #sessionKey: string | undefined;

  constructor(prefix: string) {
    this.#sessionKey = prefix.startsWith(SESSION_PREFIX) ? prefix.slice(SESSION_PREFIX.length) : undefined;
    this.#staticPrefix = staticPrefixOf(prefix);
  }

  /** Everything the principal sees lies below this; empty or ending in a slash. @throws FsError `EACCES`. */
  prefixOf(principal: Principal): string {
    if (this.#sessionKey === undefined) return this.#staticPrefix;
    const value = principal.session[this.#sessionKey];
    const prefix = value === undefined ? '' : toPrefix(value);
    if (prefix === '') {
      throw new FsError('EACCES', `the session has no "${this.#sessionKey}" to keep files under`);
    }
    if (prefix.startsWith(RESERVED_PREFIX)) throw new FsError('EACCES', 'the prefix is reserved');
    return prefix;
  }

  /**
   * The key of the object at a path; for the root, the prefix itself.
   * @throws FsError `EACCES` for what is reserved, `ENAMETOOLONG`.
   */
  toKey(principal: Principal, path: string): string {
    const key = this.prefixOf(principal) + path.slice(1);
    if (`${key}/`.startsWith(RESERVED_PREFIX)) throw new FsError('EACCES', 'the name is reserved', { path });
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new FsError('ENAMETOOLONG', 'the key would exceed 1,024 bytes', { path });
    }
    return key;
  }

  /** The prefix of everything in a directory: empty or ending in a slash. */
  toDirectoryPrefix(principal: Principal, path: string): string {
    return path === '/' ? this.prefixOf(principal) : `${this.toKey(principal, path)}/`;
  }
}

/** What all keys of a configured prefix begin with; empty when it is the sessions' own. */
export function staticPrefixOf(prefix: string): string {
  return prefix.startsWith(SESSION_PREFIX) ? '' : toPrefix(prefix);
}

/** Undoes `EncodingType: url`, without which a key with control characters breaks the XML. */
export function decodeKey(key: string, encodingType: string | undefined): string {
  return encodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key;
}

function toPrefix(prefix: string): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `${bare}/`;
}
