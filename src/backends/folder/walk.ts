import type { BigIntStats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { FsError } from '../../contract/errors.ts';
import type { Directory } from './directory.ts';
import { errnoOf } from './errors.ts';

/** Links in one path, as in Linux (path_resolution(7)). */
const MAX_LINKS = 40;
/** Names looked up for one path: four times as many as the longest path has. Only links need more than their path has. */
const MAX_STEPS = 8192;

/** What nothing below leads out of. */
export interface Top {
  readonly directory: Directory;
  /** A name in it that nobody reaches. */
  readonly reserved: string | undefined;
}

/** Where a path ends. */
export interface Place {
  /** Open as long as the visit lasts. */
  readonly directory: Directory;
  /** A single name; `.` for the directory itself. */
  readonly name: string;
  /** Where system calls find it. They follow no link there: lstat(2), O_NOFOLLOW. */
  readonly at: string;
  /** The way from the top to it, without any link. */
  readonly names: readonly string[];
  /** What stands there; undefined for nothing. */
  readonly stats: BigIntStats | undefined;
}

/** `followed`: a link at the end of the path leads on. `as-is`: it is what the path names. */
export type LastName = 'followed' | 'as-is';

/**
 * Goes along a path, name by name, each looked up in the directory that the last one led to, and calls `use` with its end. No name
 * is ever followed by the kernel: links are read here and walked in the same way, so none leads above the top, whoever
 * swaps what meanwhile. One that would is `EACCES`, and so are too many of them.
 */
export async function visit<T>(
  top: Top,
  path: string,
  last: LastName,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const walk = new Walk(top, path);
  try {
    return await use(await walk.toEnd(last));
  } finally {
    await walk.leave();
  }
}

/** A walk has two directories open at most: the top, and where it is. */
class Walk {
  readonly #top: Top;
  #ahead: string[];
  /** The way from the top to where it is, without any link. */
  #behind: string[] = [];
  #directory: Directory;
  #links = 0;
  #steps = 0;

  constructor(top: Top, path: string) {
    this.#top = top;
    this.#directory = top.directory;
    this.#ahead = namesOf(path);
  }

  async toEnd(last: LastName): Promise<Place> {
    for (;;) {
      const name = this.#ahead.shift();
      if (name === undefined) return await this.#place('.', this.#behind);
      this.#steps += 1;
      if (this.#steps > MAX_STEPS) throw new FsError('EACCES', 'too many names to look up');
      if (name === '..') {
        await this.#goUp();
        continue;
      }
      if (this.#behind.length === 0 && name === this.#top.reserved) {
        throw new FsError('EACCES', 'the name is reserved');
      }
      if (this.#ahead.length > 0) {
        await this.#enter(name);
        continue;
      }
      const place = await this.#place(name, [...this.#behind, name]);
      if (last === 'as-is' || !place.stats?.isSymbolicLink()) return place;
      await this.#follow(name);
    }
  }

  async leave(): Promise<void> {
    const directory = this.#directory;
    this.#directory = this.#top.directory;
    if (directory !== this.#top.directory) await directory.close();
  }

  async #place(name: string, names: readonly string[]): Promise<Place> {
    const directory = this.#directory;
    const at = directory.at(name);
    return { directory, name, at, names, stats: await statsAt(at) };
  }

  async #enter(name: string): Promise<void> {
    let next: Directory;
    try {
      next = await this.#directory.enter(name);
    } catch (error) {
      if (errnoOf(error) !== 'ENOTDIR') throw error;
      await this.#follow(name, error);
      return;
    }
    await this.leave();
    this.#directory = next;
    this.#behind.push(name);
  }

  /** `otherwise` is thrown for what is no link. */
  async #follow(name: string, otherwise?: unknown): Promise<void> {
    this.#links += 1;
    if (this.#links > MAX_LINKS) throw new FsError('EACCES', 'too many symbolic links');
    const target = await readlink(this.#directory.at(name)).catch((error: unknown) => {
      throw errnoOf(error) === 'EINVAL' ? (otherwise ?? error) : error;
    });
    if (!target.startsWith('/')) {
      this.#ahead = [...namesOf(target), ...this.#ahead];
      return;
    }
    const top = await readlink(this.#top.directory.self);
    if (target !== top && !target.startsWith(`${top}/`)) throw leadsOut();
    await this.#restart([...namesOf(target.slice(top.length)), ...this.#ahead]);
  }

  /** From the top again: what stands above an open directory, nobody but the kernel could tell, and it knows no top. */
  async #goUp(): Promise<void> {
    if (this.#behind.length === 0) throw leadsOut();
    await this.#restart([...this.#behind.slice(0, -1), ...this.#ahead]);
  }

  async #restart(names: string[]): Promise<void> {
    await this.leave();
    this.#behind = [];
    this.#ahead = names;
  }
}

/** What stands at a name itself, a link being a link; undefined for nothing. */
export async function statsAt(at: string): Promise<BigIntStats | undefined> {
  return await lstat(at, { bigint: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function leadsOut(): FsError {
  return new FsError('EACCES', 'a symbolic link leads out of the folder');
}
