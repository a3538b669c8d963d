import type { BigIntStats } from 'node:fs';
import { opendir } from 'node:fs/promises';
import type { DirectoryEntry } from '../../contract/types.ts';
import type { Directory } from './directory.ts';
import { toInfo } from './stats.ts';
import { statsAt, type Top, visit } from './walk.ts';

/** Names in a page: as many are looked at side by side. */
const PAGE_NAMES = 64;

/**
 * The files and directories of a directory, links being what they lead to. Left out is what a client could not name or use: the reserved
 * name, links that lead out or nowhere, pipes, sockets and devices, and names that are not UTF-8.
 */
export async function* listDirectory(top: Top, path: string): AsyncGenerator<readonly DirectoryEntry[]> {
  const { directory, names } = await visit(top, path, 'followed', async (place) => ({
    directory: await place.directory.enter(place.name),
    names: place.names,
  }));
  const hidden = names.length === 0 ? top.reserved : undefined;
  const look = async (name: string): Promise<DirectoryEntry | undefined> => {
    const stats = await statsAt(directory.at(name));
    const found = stats?.isSymbolicLink() ? await follow(top, [...names, name]) : stats;
    const info = found && toInfo(found);
    return info && { ...info, name };
  };
  try {
    for await (const page of pagesOf(directory)) {
      const looked = await Promise.all(page.filter((name) => name !== hidden).map(look));
      const entries = looked.filter((entry) => entry !== undefined);
      if (entries.length > 0) yield entries;
    }
  } finally {
    await directory.close();
  }
}

async function* pagesOf(directory: Directory): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const { name } of await opendir(directory.at('.'), { bufferSize: PAGE_NAMES })) {
    page.push(name);
    if (page.length < PAGE_NAMES) continue;
    yield page;
    page = [];
  }
  yield page;
}

/** What a link leads to; undefined if nowhere that a client may go. */
async function follow(top: Top, names: readonly string[]): Promise<BigIntStats | undefined> {
  return await visit(top, names.join('/'), 'followed', async ({ stats }) => stats).catch(() => undefined);
}
