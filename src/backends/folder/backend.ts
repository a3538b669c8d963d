import { type BigIntStats, constants } from 'node:fs';
import { access, copyFile, mkdir, rmdir, unlink } from 'node:fs/promises';
import type { StreamingBackend, Upload, WriteOptions } from '../../contract/backend.ts';
import type { RequestContext } from '../../contract/context.ts';
import { FsError } from '../../contract/errors.ts';
import type { DirectoryEntry, StoredFile } from '../../contract/types.ts';
import { writeThrough } from '../../contract/write-through.ts';
import { pathTo, reading, readRange } from './contents.ts';
import { toFsError, translated } from './errors.ts';
import { Folder } from './folder.ts';
import { listDirectory } from './listing.ts';
import { move } from './move.ts';
import { StagedFile } from './staged-file.ts';
import { assertOrdinary, fileInfoOf, infoOf, toEtag } from './stats.ts';
import { FolderUpload } from './upload.ts';
import { type LastName, type Place, statsAt, visit } from './walk.ts';

/** Where on this machine files are kept. */
export interface FolderBackendOptions {
  /** The folder; relative to the working directory of the process. It has to be there. */
  readonly root: string;
  /** What of it a principal sees: everything below a path, or `session:KEY` to take that from the session. All of it when absent. */
  readonly prefix?: string;
}

const ALL = { offset: 0, length: Number.MAX_SAFE_INTEGER };

/**
 * Files in a folder of this machine (docs/folder.md). Nothing outside of it is read or written, whatever links there are and whoever
 * changes them meanwhile. Uploads stand under their names when they are whole and on disk.
 * @throws Error on a system other than Linux.
 */
export function createFolderBackend({ root, prefix }: FolderBackendOptions): StreamingBackend {
  if (process.platform !== 'linux') {
    throw new Error(
      'the folder backend needs Linux: only there can Node look a name up in an open directory',
    );
  }
  const folder = new Folder(root, prefix);

  async function* listDir(
    { principal }: RequestContext,
    path: string,
  ): AsyncGenerator<readonly DirectoryEntry[]> {
    try {
      const top = await folder.openTop(principal);
      try {
        yield* listDirectory(top, path);
      } finally {
        await top.directory.close();
      }
    } catch (error) {
      throw toFsError(error, 'listDir', path);
    }
  }

  /** An operation on one path. */
  function at<T>(
    operation: string,
    { principal }: RequestContext,
    path: string,
    last: LastName,
    use: (place: Place) => Promise<T>,
  ): Promise<T> {
    return translated(operation, path, () => folder.visit(principal, path, last, use));
  }

  function toStored({ principal }: RequestContext, path: string, stats: Place['stats']): StoredFile {
    const { size, etag } = fileInfoOf(stats);
    const location = folder.locate(principal, path);
    return { size, location, ...(etag === undefined ? {} : { etag }) };
  }

  async function rename(
    context: RequestContext,
    from: string,
    to: string,
    exclusive: boolean,
  ): Promise<StoredFile | undefined> {
    if (from === '/' || to === '/') throw new FsError('EBUSY', 'the root cannot be renamed');
    return await folder.enter(context.principal, (top) =>
      visit(top, from, 'as-is', async (source) => {
        if (source.stats === undefined) throw new FsError('ENOENT', 'no such file or directory');
        assertOrdinary(source.stats);
        const isFile = source.stats.isFile();
        if (from === to) return isFile ? toStored(context, to, source.stats) : undefined;
        return await visit(top, to, 'as-is', async (target) => {
          assertOrdinary(target.stats);
          await move(source, target, exclusive);
          if (!isFile) return undefined;
          // Its ETag is another one since. Of a file that has gone on by now, that of before is all that is known.
          const moved = await statsAt(target.at);
          return toStored(context, to, moved?.isFile() ? moved : source.stats);
        });
      }),
    );
  }

  async function beginWrite(
    context: RequestContext,
    path: string,
    options: WriteOptions,
    place: Place,
  ): Promise<Upload> {
    const { stats } = place;
    const { create, exclusive, truncate, append, attributes } = options;
    if (stats !== undefined && exclusive) throw new FsError('EEXIST', 'it exists');
    if (stats === undefined && !create) throw new FsError('ENOENT', 'no such file');
    const earlier = stats && fileInfoOf(stats);
    // What CLOSE would fail of is told at OPEN.
    await access(place.directory.self, constants.W_OK | constants.X_OK);
    const staged = await StagedFile.create(folder);
    try {
      const size = earlier === undefined || truncate ? 0 : await copyInto(staged, place);
      return new FolderUpload({
        path,
        staged,
        size,
        append,
        attributes: { ...(earlier && { mode: earlier.mode }), ...attributes },
        read: (from, range) => backend.readFileRange(context, from, range),
        publish: (whole) => publish(context, path, exclusive, whole),
      });
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  /** Into the directory that is at the path by now, as on any file system. */
  async function publish(
    context: RequestContext,
    path: string,
    exclusive: boolean,
    staged: StagedFile,
  ): Promise<StoredFile> {
    const last = exclusive ? 'as-is' : 'followed';
    return await folder.visit(context.principal, path, last, async ({ directory, name, stats }) => {
      if (stats !== undefined && exclusive) throw new FsError('EEXIST', 'it came to exist meanwhile');
      if (stats !== undefined) fileInfoOf(stats);
      return toStored(context, path, await staged.publish(directory, name, exclusive));
    });
  }

  const backend: StreamingBackend = {
    name: 'folder',
    listDir,
    fileInfo: (context, path) =>
      at('fileInfo', context, path, 'followed', async ({ stats }) => infoOf(stats)),
    makeDir: (context, path) =>
      at('makeDir', context, path, 'as-is', async (place) => {
        if (path === '/') throw new FsError('EEXIST', 'it exists');
        await mkdir(place.at);
        await place.directory.sync();
      }),
    delDir: (context, path) =>
      at('delDir', context, path, 'as-is', async (place) => {
        if (path === '/') throw new FsError('EBUSY', 'the root cannot be removed');
        await rmdir(place.at);
      }),
    delete: (context, path) =>
      at('delete', context, path, 'as-is', async (place) => {
        if (!place.stats?.isSymbolicLink()) fileInfoOf(place.stats);
        await unlink(place.at);
      }),
    rename: (context, from, to, { exclusive = false } = {}) =>
      translated('rename', from, () => rename(context, from, to, exclusive)),
    readFile: (context, path) => at('readFile', context, path, 'followed', (place) => readRange(place, ALL)),
    readFileRange: (context, path, range) =>
      at('readFileRange', context, path, 'followed', (place) => readRange(place, range)),
    writeFile: (context, path, bytes, attributes) =>
      translated('writeFile', path, () => writeThrough(backend, context, path, bytes, attributes)),
    beginWrite: (context, path, options) =>
      at('beginWrite', context, path, options.exclusive ? 'as-is' : 'followed', (place) =>
        beginWrite(context, path, options, place),
      ),
    storedFile: (context, path) =>
      at('storedFile', context, path, 'followed', async ({ stats }) => toStored(context, path, stats)),
    locate: ({ principal }, path) => folder.locate(principal, path),
  };
  return backend;
}

/**
 * A copy of what the file holds now, which shares its blocks where the file system can (ioctl_ficlone(2)). How many bytes it has.
 * @throws FsError `ESTALE` when somebody writes into the file meanwhile.
 */
async function copyInto({ handle }: StagedFile, place: Place): Promise<number> {
  const etag = toEtag(place.stats as BigIntStats);
  await reading(place, etag, (file) => copyFile(pathTo(file), pathTo(handle), constants.COPYFILE_FICLONE));
  return (await handle.stat()).size;
}
