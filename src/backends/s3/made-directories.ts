import type { Connection } from '../../contract/context.ts';
import { DIRECTORY_MARKER } from './keys.ts';

/** Most that is remembered of one connection, in characters of names and 64 for each: some 8,000 directories. */
const MOST_CHARACTERS = 1024 * 1024;

/**
 * For how long a directory is known to be one's own, in milliseconds. Others are not heard of, another connection of the same user
 * neither: what they put there meanwhile may come to stand beside a file of the same name.
 */
const TRUST_MS = 5 * 60 * 1000;

/** Of one connection, by their prefixes (a key that ends in a slash). */
interface Known {
  /** Directories that were made when nothing was there, and when, as `performance.now()`. */
  readonly empty: Map<string, number>;
  /** Everything in which something was put, or is about to be; some of it may be gone again. */
  readonly directories: Set<string>;
  characters: number;
  /** Directories whose moves have begun, and have come to an end. */
  movesBegun: number;
  movesEnded: number;
}

/**
 * Which directories a connection has made itself. `put -r` makes one and fills it with files: S3 need not be asked of each name whether it is
 * a directory, where nothing was and the client has put nothing else.
 *
 * Channels of a connection work at once, and an upload may take hours: what will be put somewhere counts from its beginning, wherever that is, and is
 * never forgotten. Of a connection that has put things into more directories than are remembered nothing is known any more.
 */
export class MadeDirectories {
  readonly #connections = new WeakMap<Connection, Known>();
  readonly #now: () => number;

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The connection is about to look whether it can make a directory. What is returned says that it has, where nothing was. */
  making(connection: Connection, prefix: string): () => void {
    const known = this.#of(connection);
    this.filled(connection, prefix + DIRECTORY_MARKER);
    const { movesBegun, movesEnded } = known;
    return () => {
      // A move that was under way meanwhile may have put anything there.
      if (movesBegun !== movesEnded || movesBegun !== known.movesBegun || isTooMuch(known)) return;
      known.empty.set(prefix, this.#now());
    };
  }

  /** It is about to put something below the directories that hold this key: they are directories, whoever has made them. */
  filled(connection: Connection, key: string): void {
    const known = this.#of(connection);
    const { empty, directories } = known;
    for (let prefix = parentOf(key); prefix !== '' && !directories.has(prefix); prefix = parentOf(prefix)) {
      if (isTooMuch(known)) return;
      directories.add(prefix);
      // A part of a string keeps all of it.
      known.characters += key.length + 64;
    }
    if (!isTooMuch(known)) return;
    empty.clear();
    directories.clear();
  }

  /** Whether nothing can lie below a prefix, by what the connection has done. */
  isFree(connection: Connection, prefix: string): boolean {
    const { empty, directories } = this.#of(connection);
    const madeAt = empty.get(parentOf(prefix));
    return madeAt !== undefined && this.#now() - madeAt < TRUST_MS && !directories.has(prefix);
  }

  /** It is about to remove a directory: no other is known to be its own any more. */
  removing(connection: Connection): void {
    this.#of(connection).empty.clear();
  }

  /** It is about to move a directory. What is returned says that the move is over; of one that has failed nobody knows when it is. */
  moving(connection: Connection): () => void {
    const known = this.#of(connection);
    known.empty.clear();
    known.movesBegun += 1;
    return () => {
      known.movesEnded += 1;
    };
  }

  #of(connection: Connection): Known {
    let known = this.#connections.get(connection);
    if (known === undefined) {
      known = { empty: new Map(), directories: new Set(), characters: 0, movesBegun: 0, movesEnded: 0 };
      this.#connections.set(connection, known);
    }
    return known;
  }
}

function isTooMuch({ characters }: Known): boolean {
  return characters > MOST_CHARACTERS;
}

/** The prefix that a key, or a prefix, lies in; empty at the top. */
function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/', key.length - 2) + 1);
}
