import type { Principal } from '../../contract/context.ts';
import { FsError } from '../../contract/errors.ts';
import { PrefixMapper, RESERVED_PREFIX } from '../../contract/prefix.ts';

/** Marks an otherwise empty directory: a zero-byte object of this name in it. Never listed. */
export const DIRECTORY_MARKER = '.keep';

/** Objects of unfinished uploads. What a dead task leaves here is swept. */
export const STAGING_PREFIX = `${RESERVED_PREFIX}staging/`;

/** S3's longest key, in UTF-8 bytes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html). */
const MAX_KEY_BYTES = 1024;

/** The one key mapper: from a principal and a normalised path to an S3 key. */
export class KeyMapper {
  readonly #prefixes: PrefixMapper;

  constructor(prefix: string) {
    this.#prefixes = new PrefixMapper(prefix);
  }

  /**
   * The key of the object at a path; for the root, the prefix itself.
   * @throws FsError `EACCES` for what is reserved, `ENAMETOOLONG`.
   */
  toKey(principal: Principal, path: string): string {
    const key = this.#prefixes.prefixOf(principal) + path.slice(1);
    if (`${key}/`.startsWith(RESERVED_PREFIX)) throw new FsError('EACCES', 'the name is reserved', { path });
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new FsError('ENAMETOOLONG', 'the key would exceed 1,024 bytes', { path });
    }
    return key;
  }

  /** The prefix of everything in a directory: empty or ending in a slash. */
  toDirectoryPrefix(principal: Principal, path: string): string {
    return path === '/' ? this.#prefixes.prefixOf(principal) : `${this.toKey(principal, path)}/`;
  }
}

/** Undoes `EncodingType: url`, without which a key with control characters breaks the XML. */
export function decodeKey(key: string, encodingType: string | undefined): string {
  return encodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key;
}
