import { Recent } from './recent.ts';

/** Connections of which is remembered what they have made, and directories of each: beyond that S3 is asked. */
const CONNECTIONS = 1000;
const DIRECTORIES = 10_000;

/** For how long a directory is known to be one's own, in milliseconds: others may put something there. */
const TRUST_MS = 5 * 60 * 1000;

/** Of one connection, by their prefixes (a key that ends in a slash). */
interface Made {
  /** Directories that were made when nothing was there, and when, as `performance.now()`. */
  readonly empty: Map<string, number>;
  /** Everything in which something has been put since. */
  readonly directories: Set<string>;
}

/**
 * Which directories a connection has made itself. `put -r` makes one and fills it with files: S3 need not be asked of each name whether it is
 * a directory, where nothing was and the client has put nothing else.
 */
export class MadeDirectories {
  readonly #connections = new Recent<Made>(CONNECTIONS);
  readonly #now: () => number;

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The connection has made a directory where nothing was. */
  made(connection: string, prefix: string): void {
    const { empty, directories } = this.#of(connection);
    if (empty.size >= DIRECTORIES || directories.size >= DIRECTORIES) this.forget(connection);
    this.filled(connection, prefix);
    empty.set(prefix, this.#now());
    directories.add(prefix);
  }

  /** It puts something below the directories that hold this key: they are directories, whoever has made them. */
  filled(connection: string, key: string): void {
    const { empty, directories } = this.#of(connection);
    for (let prefix = parentOf(key); prefix !== '' && !directories.has(prefix); prefix = parentOf(prefix)) {
      // What nobody here has made is none of this one's.
      if (!this.#isInside(empty, prefix)) return;
      directories.add(prefix);
    }
  }

  /** Whether nothing can lie below a prefix, by what the connection has done. */
  isFree(connection: string, prefix: string): boolean {
    const { empty, directories } = this.#of(connection);
    const madeAt = empty.get(parentOf(prefix));
    return madeAt !== undefined && this.#now() - madeAt < TRUST_MS && !directories.has(prefix);
  }

  /** Directories were moved or removed: nothing is known of them any more. */
  forget(connection: string): void {
    const { empty, directories } = this.#of(connection);
    empty.clear();
    directories.clear();
  }

  #isInside(empty: Made['empty'], prefix: string): boolean {
    for (let above = parentOf(prefix); above !== ''; above = parentOf(above))
      if (empty.has(above)) return true;
    return false;
  }

  #of(connection: string): Made {
    return this.#connections.get(connection, () => ({ empty: new Map(), directories: new Set() }));
  }
}

/** The prefix that a key, or a prefix, lies in; empty at the top. */
function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/', key.length - 2) + 1);
}
