import type { Principal } from './context.ts';
import { FsError } from './errors.ts';

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
}

/** What everything below a configured prefix begins with; empty when it is the sessions' own. */
export function staticPrefixOf(prefix: string): string {
  return prefix.startsWith(SESSION_PREFIX) ? '' : toPrefix(prefix);
}

function toPrefix(prefix: string): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `${bare}/`;
}
