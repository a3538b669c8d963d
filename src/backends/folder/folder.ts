import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Principal } from '../../contract/context.ts';
import { FsError } from '../../contract/errors.ts';
import { PrefixMapper, RESERVED_PREFIX } from '../../contract/prefix.ts';
import type { FileLocation } from '../../contract/types.ts';
import { Directory } from './directory.ts';
import { errnoOf } from './errors.ts';
import { type LastName, type Place, type Top, visit } from './walk.ts';

const RESERVED_NAME = RESERVED_PREFIX.slice(0, -1);

/** The folder of the operator: what in it belongs to whom, and what it keeps for itself. */
export class Folder {
  /** Absolute; as it was named, so that it stays the same when the operator moves what a link there leads to. */
  readonly root: string;
  readonly #prefixes: PrefixMapper;

  constructor(root: string, prefix = '') {
    this.root = resolve(root);
    this.#prefixes = new PrefixMapper(prefix);
  }

  /** @throws FsError `EACCES` for a session without a prefix. */
  locate(principal: Principal, path: string): FileLocation {
    return { bucket: this.root, key: this.#prefixes.prefixOf(principal) + path.slice(1) };
  }

  /** Calls `use` with the directory that a principal sees as `/`, made when it is missing. */
  async enter<T>(principal: Principal, use: (top: Top) => Promise<T>): Promise<T> {
    const top = await this.openTop(principal);
    try {
      return await use(top);
    } finally {
      await top.directory.close();
    }
  }

  /** One path of one principal. */
  visit<T>(
    principal: Principal,
    path: string,
    last: LastName,
    use: (place: Place) => Promise<T>,
  ): Promise<T> {
    return this.enter(principal, (top) => visit(top, path, last, use));
  }

  /** As {@link enter}; the caller closes it. */
  async openTop(principal: Principal): Promise<Top> {
    const prefix = this.#prefixes.prefixOf(principal);
    const root = { directory: await this.#openRoot(), reserved: RESERVED_NAME };
    if (prefix === '') return root;
    try {
      return await openBelow(root, prefix);
    } finally {
      await root.directory.close();
    }
  }

  /** The root as the service itself sees it: nothing is reserved. The caller closes it. */
  async openAll(): Promise<Top> {
    return { directory: await this.#openRoot(), reserved: undefined };
  }

  /** A folder of the service's own, below the reserved name; made when it is missing. The caller closes it. */
  async openReserved(path: string): Promise<Directory> {
    let directory = await this.#openRoot();
    for (const name of [RESERVED_NAME, ...path.split('/')]) {
      try {
        const next = await directory.enter(name).catch(async (error: unknown) => {
          if (errnoOf(error) !== 'ENOENT') throw error;
          await makeIn(directory, name, 0o700);
          return await directory.enter(name);
        });
        await directory.close();
        directory = next;
      } catch (error) {
        await directory.close();
        throw error;
      }
    }
    return directory;
  }

  async #openRoot(): Promise<Directory> {
    try {
      return await Directory.open(this.root);
    } catch (error) {
      const isGone = ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
      // To a client that would say that its own file is missing.
      throw isGone ? new FsError('EIO', 'the folder is not there', { cause: error }) : error;
    }
  }
}

async function openBelow(root: Top, prefix: string): Promise<Top> {
  const open = () =>
    visit(root, prefix, 'followed', async ({ directory, name, names }) => ({
      directory: await directory.enter(name),
      reserved: names.length === 0 ? root.reserved : undefined,
    }));
  return await open().catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await makeBelow(root, prefix);
    return await open();
  });
}

async function makeBelow(root: Top, prefix: string): Promise<void> {
  const names = prefix.slice(0, -1).split('/');
  for (let depth = 1; depth <= names.length; depth += 1) {
    await visit(root, names.slice(0, depth).join('/'), 'followed', async ({ directory, name, stats }) => {
      if (stats === undefined) await makeIn(directory, name, 0o777);
    });
  }
}

/** One that another request has made by then is as good. */
async function makeIn(directory: Directory, name: string, mode: number): Promise<void> {
  await mkdir(directory.at(name), { mode }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  await directory.sync();
}
