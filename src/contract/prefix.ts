import type { Principal } from './context.ts';
import { FsError } from './errors.ts';
import { normalizePath } from './path.ts';

/** What the service itself keeps where files are kept (the outbox, for one). No client sees or reaches it. */
export const RESERVED_PREFIX = '.sluice/';

const SESSION_PREFIX = 'session:';

/**
 * Which part of a store belongs to whom. A static prefix is the same for all; `session:KEY` takes it from the
 * principal's session attributes.
 */
export class PrefixMapper {
  readonly #staticPrefix: string;
  readonly #sessionKey: string | undefined;

  constructor(prefix: string) {
    this.#sessionKey = prefix.startsWith(SESSION_PREFIX) ? prefix.slice(SESSION_PREFIX.length) : undefined;
    this.#staticPrefix = staticPrefixOf(prefix);
  }

  /**
   * Everything the principal sees lies below this; empty or ending in a slash.
   * @throws FsError `EACCES` without one, and for one that is reserved or has an empty name, `.` or `..` in it: S3 takes such a
   * key as it is, while a file system, and many a store and proxy, walks along it.
   */
  prefixOf(principal: Principal): string {
    if (this.#sessionKey === undefined) return plain(this.#staticPrefix);
    const value = Object.hasOwn(principal.session, this.#sessionKey)
      ? principal.session[this.#sessionKey]
      : undefined;
    const prefix = value === undefined ? '' : toPrefix(value);
    if (prefix === '') {
      throw new FsError('EACCES', `the session has no "${this.#sessionKey}" to keep files under`);
    }
    if (prefix.startsWith(RESERVED_PREFIX)) throw new FsError('EACCES', 'the prefix is reserved');
    return plain(prefix);
  }
}

/** What everything below a configured prefix begins with; empty when it is the sessions' own. */
export function staticPrefixOf(prefix: string): string {
  return prefix.startsWith(SESSION_PREFIX) ? '' : toPrefix(prefix);
}

/** Whether a static prefix is a path of plain names, or nothing; of `session:KEY` each session decides. */
export function isPlainPrefix(prefix: string): boolean {
  return isPlain(staticPrefixOf(prefix));
}

function plain(prefix: string): string {
  if (!isPlain(prefix)) throw new FsError('EACCES', 'the prefix is no path of plain names');
  return prefix;
}

function isPlain(prefix: string): boolean {
  try {
    return prefix === '' || `${normalizePath(prefix)}/` === `/${prefix}`;
  } catch {
    return false;
  }
}

function toPrefix(prefix: string): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `${bare}/`;
}
