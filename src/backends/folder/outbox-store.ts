import { type BigIntStats, constants } from 'node:fs';
import { open, readdir, unlink } from 'node:fs/promises';
import type { OutboxStore, RecordEntry } from '../../contract/outbox-store.ts';
import { writeAt } from './contents.ts';
import type { Directory } from './directory.ts';
import { errnoOf } from './errors.ts';
import type { Folder } from './folder.ts';
import { StagedFile } from './staged-file.ts';
import { fileInfoOf } from './stats.ts';
import { statsAt, visit } from './walk.ts';

/** Records in a page of a listing. */
const PAGE_RECORDS = 1000;

/**
 * Records as files below `.sluice/`, where no client's path leads. `replace` looks before it writes and has no way to do both at once: of two
 * processes that share a folder both may be told that they replaced a record, and the queue has its job twice, with one id.
 */
export function createFolderOutboxStore(folder: Folder): OutboxStore {
  /** Calls `use` with the open folder of a record and the record's own name. */
  async function within<T>(
    name: string,
    use: (directory: Directory, file: string) => Promise<T>,
  ): Promise<T> {
    const slash = name.lastIndexOf('/');
    const directory = await folder.openReserved(name.slice(0, slash));
    try {
      return await use(directory, name.slice(slash + 1));
    } finally {
      await directory.close();
    }
  }

  async function put(name: string, text: string): Promise<void> {
    const staged = await StagedFile.create(folder);
    try {
      await writeAt(staged.handle, 0, Buffer.from(text));
      await within(name, (directory, file) => staged.publish(directory, file, false));
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  return {
    put,

    replace: async (name, text, etag) => {
      const stats = await within(name, (directory, file) => statsAt(directory.at(file)));
      if (stats === undefined || toRecordEtag(stats) !== etag) return false;
      await put(name, text);
      return true;
    },

    get: (name) =>
      within(name, async (directory, file) => {
        const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
        const handle = await open(directory.at(file), flags).catch((error: unknown) => {
          if (errnoOf(error) === 'ENOENT') return undefined;
          throw error;
        });
        if (handle === undefined) return undefined;
        try {
          const etag = toRecordEtag(await handle.stat({ bigint: true }));
          return { text: await handle.readFile('utf8'), etag };
        } finally {
          await handle.close();
        }
      }),

    list: async function* (below) {
      const names = await within(below, (directory) => readdir(directory.self));
      names.sort();
      for (let start = 0; start < names.length; start += PAGE_RECORDS) {
        const page = names.slice(start, start + PAGE_RECORDS);
        yield await within(below, (directory) => entriesOf(directory, below, page));
      }
    },

    delete: (name) =>
      within(name, async (directory, file) => {
        await unlink(directory.at(file)).catch((error: unknown) => {
          if (errnoOf(error) !== 'ENOENT') throw error;
        });
      }),

    storedFile: async ({ bucket, key }) => {
      if (bucket !== folder.root) return undefined;
      const top = await folder.openAll();
      try {
        const stats = await visit(top, key, 'followed', async (place) => place.stats);
        if (!stats?.isFile()) return undefined;
        const { size, etag } = fileInfoOf(stats);
        return { size, location: { bucket, key }, ...(etag === undefined ? {} : { etag }) };
      } finally {
        await top.directory.close();
      }
    },
  };
}

async function entriesOf(
  directory: Directory,
  below: string,
  names: readonly string[],
): Promise<RecordEntry[]> {
  const entries = await Promise.all(
    names.map(async (name): Promise<RecordEntry | undefined> => {
      const stats = await statsAt(directory.at(name));
      if (!stats?.isFile()) return undefined;
      const writtenAt = new Date(Number(stats.mtimeMs));
      return { name: below + name, etag: toRecordEtag(stats), writtenAt };
    }),
  );
  return entries.filter((entry) => entry !== undefined);
}

/** Every version of a record is a file of its own. */
function toRecordEtag({ ino, mtimeNs }: BigIntStats): string {
  return `${ino}-${mtimeNs}`;
}
