import { randomUUID } from 'node:crypto';
import type { MemoryBudget } from '../../buffers/budget.ts';
import { BufferPool } from '../../buffers/buffer-pool.ts';
import type { Spool } from '../../buffers/spool.ts';
import type {
  FileRange,
  RenameOptions,
  StreamingBackend,
  Upload,
  WriteOptions,
} from '../../contract/backend.ts';
import type { Connection, Principal, RequestContext } from '../../contract/context.ts';
import { FsError } from '../../contract/errors.ts';
import { isBelow } from '../../contract/path.ts';
import {
  type DirectoryEntry,
  directoryInfo,
  type FileInfo,
  fileInfo,
  type StoredFile,
} from '../../contract/types.ts';
import { writeThrough } from '../../contract/write-through.ts';
import { fromMetadata } from './attributes.ts';
import { ANY, NEW } from './conditions.ts';
import { isNotFound, toFsError, toS3Failure } from './errors.ts';
import { DIRECTORY_MARKER, KeyMapper } from './keys.ts';
import { listDirectory } from './listing.ts';
import { MadeDirectories } from './made-directories.ts';
import { PartPlan, tiersFor } from './part-plan.ts';
import { PrefixMove, renameObject } from './rename.ts';
import type { ObjectHead, ObjectStore } from './store.ts';
import { describeStored } from './stored-file.ts';
import { S3Upload } from './upload.ts';

export interface S3BackendOptions {
  /** Where the files of a principal are. @throws FsError `EACCES` when they may be nowhere. */
  readonly storeOf: (principal: Principal) => ObjectStore;
  /** Key prefix: static, or `session:KEY` to take it from the principal's session. */
  readonly prefix: string;
  readonly budget: MemoryBudget;
  /** Where buffers go that memory has no room for; without one, uploads wait. */
  readonly spool?: Spool | undefined;
  /** Which part holds which byte; follows from the budget when absent. */
  readonly plan?: PartPlan;
}

/**
 * Files as objects of a bucket. S3 has no directories: one exists where a key lies below it, and `makeDir`
 * puts a marker object there. So files may be made below directories that nobody made, and such a directory is
 * gone with its last file.
 */
export function createS3Backend(options: S3BackendOptions): StreamingBackend {
  const { prefix, budget, spool } = options;
  const plan = options.plan ?? new PartPlan(tiersFor(budget.limitBytes));
  const keys = new KeyMapper(prefix);
  const pool = new BufferPool(budget);
  const made = new MadeDirectories();

  const storeOf = ({ principal, scope }: RequestContext) => options.storeOf(principal).within(scope);

  /** What stands at a path: the object and the prefix are asked for at once, to wait once. */
  async function find(context: RequestContext, path: string): Promise<ObjectHead | 'directory' | undefined> {
    if (path === '/') return 'directory';
    const [head, below] = await Promise.all([headOf(context, path), hasBelow(context, path)]);
    return head ?? (below ? 'directory' : undefined);
  }

  function headOf(context: RequestContext, path: string): Promise<ObjectHead | undefined> {
    return storeOf(context).head(keys.toKey(context.principal, path));
  }

  async function hasBelow(context: RequestContext, path: string): Promise<boolean> {
    const below = await storeOf(context).keysBelow(keys.toDirectoryPrefix(context.principal, path), 1);
    return below.length > 0;
  }

  /** A path as `made` knows it: buckets and prefixes may differ on one connection. */
  function placeOf(context: RequestContext, path: string): [connection: Connection, prefix: string] {
    const directory = keys.toDirectoryPrefix(context.principal, path);
    return [context.connection, `${storeOf(context).bucket}/${directory}`];
  }

  /** What is in the way of a file that replaces whatever file there is: one request, unless something is. */
  async function findInTheWay(context: RequestContext, path: string): Promise<'directory' | undefined> {
    if (path !== '/') {
      if (made.isFree(...placeOf(context, path)) || !(await hasBelow(context, path))) return undefined;
    }
    return path !== '/' && (await headOf(context, path)) !== undefined ? undefined : 'directory';
  }

  async function stat(context: RequestContext, path: string): Promise<FileInfo | undefined> {
    const found = await find(context, path);
    if (found === undefined || found === 'directory') return found && directoryInfo();
    const { mtime = found.lastModified, mode } = fromMetadata(found.headers.Metadata);
    return fileInfo(found.size, mtime, found.etag, mode);
  }

  async function existing(context: RequestContext, path: string): Promise<FileInfo> {
    const info = await stat(context, path);
    if (info === undefined) throw new FsError('ENOENT', 'no such file or directory', { path });
    return info;
  }

  async function existingFile(context: RequestContext, path: string): Promise<FileInfo> {
    const info = await existing(context, path);
    if (info.type === 'directory') throw new FsError('EISDIR', 'it is a directory', { path });
    return info;
  }

  async function* listDir(context: RequestContext, path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    try {
      const directory = keys.toDirectoryPrefix(context.principal, path);
      for await (const page of listDirectory(storeOf(context), directory)) {
        if (page !== undefined) yield page;
        else if (path !== '/' && (await existing(context, path)).type === 'file') {
          throw new FsError('ENOTDIR', 'it is a file', { path });
        }
      }
    } catch (error) {
      throw toFsError(error, 'listDir', path);
    }
  }

  async function makeDir(context: RequestContext, path: string): Promise<void> {
    const isMade = made.making(...placeOf(context, path));
    if ((await stat(context, path)) !== undefined) throw new FsError('EEXIST', 'it exists', { path });
    await storeOf(context).putEmpty(keys.toDirectoryPrefix(context.principal, path) + DIRECTORY_MARKER);
    isMade();
  }

  async function delDir(context: RequestContext, path: string): Promise<void> {
    if (path === '/') throw new FsError('EBUSY', 'the root cannot be removed', { path });
    const directory = keys.toDirectoryPrefix(context.principal, path);
    const markers = [directory, directory + DIRECTORY_MARKER];
    const below = await storeOf(context).keysBelow(directory, markers.length + 1);
    if (below.length === 0) {
      await existing(context, path);
      throw new FsError('ENOTDIR', 'it is a file', { path });
    }
    if (below.some((key) => !markers.includes(key))) {
      throw new FsError('ENOTEMPTY', 'the directory is not empty', { path });
    }
    made.removing(context.connection);
    await Promise.all(below.map((key) => storeOf(context).delete(key)));
  }

  async function remove(context: RequestContext, path: string): Promise<void> {
    await existingFile(context, path);
    await storeOf(context).delete(keys.toKey(context.principal, path));
  }

  async function rename(
    context: RequestContext,
    from: string,
    to: string,
    { exclusive = false }: RenameOptions = {},
  ): Promise<StoredFile | undefined> {
    if (from === '/' || to === '/') throw new FsError('EBUSY', 'the root cannot be renamed', { path: from });
    const [source, target] = await Promise.all([existing(context, from), stat(context, to)]);
    if (from === to) return source.type === 'file' ? await storedFile(context, to) : undefined;
    const { principal } = context;
    if (target !== undefined && exclusive) throw new FsError('EEXIST', 'the target exists', { path: to });
    if (source.type === 'file') {
      if (target?.type === 'directory')
        throw new FsError('EISDIR', 'the target is a directory', { path: to });
      made.filled(...placeOf(context, to));
      const seen = { key: keys.toKey(principal, from), size: source.size, etag: source.etag ?? '' };
      try {
        return await renameObject(storeOf(context), seen, keys.toKey(principal, to), exclusive ? NEW : ANY);
      } catch (error) {
        const isLate = exclusive && toS3Failure(error).code === 'ESTALE' && (await stat(context, to));
        throw isLate ? new FsError('EEXIST', 'the target came to exist meanwhile', { path: to }) : error;
      }
    }
    if (isBelow(to, from))
      throw new FsError('EINVAL', 'a directory cannot be moved into itself', { path: to });
    if (target?.type === 'file') throw new FsError('ENOTDIR', 'the target is a file', { path: to });
    const below = (path: string) => keys.toDirectoryPrefix(principal, path);
    const isMoved = made.moving(context.connection);
    const move = new PrefixMove(storeOf(context), below(from), below(to));
    if (target !== undefined && !(await move.hasBegun())) await delDir(context, to);
    await move.run();
    isMoved();
    return undefined;
  }

  async function storedFile(context: RequestContext, path: string): Promise<StoredFile> {
    const key = keys.toKey(context.principal, path);
    const stored = path === '/' ? undefined : await describeStored(storeOf(context), key);
    if (stored !== undefined) return stored;
    const { size } = await existingFile(context, path);
    return { size, location: { bucket: storeOf(context).bucket, key } };
  }

  async function beginWrite(context: RequestContext, path: string, options: WriteOptions): Promise<Upload> {
    const { principal, uploadId } = context;
    const key = keys.toKey(principal, path);
    const { create, exclusive, append, truncate, read = false, attributes = {}, notes = {} } = options;
    const replaces = create && truncate && !exclusive;
    const found = await (replaces ? findInTheWay(context, path) : find(context, path));
    if (found === 'directory') throw new FsError('EISDIR', 'it is a directory', { path });
    if (found !== undefined && exclusive) throw new FsError('EEXIST', 'it exists', { path });
    if (found === undefined && !create) throw new FsError('ENOENT', 'no such file', { path });
    made.filled(...placeOf(context, path));
    const base = truncate ? undefined : found;
    const keyOf = (other: string) => keys.toKey(principal, other);
    const id = uploadId ?? randomUUID();
    const opened = { id, path, key, base, exclusive, append, read, attributes, notes, keyOf };
    return new S3Upload({ store: storeOf(context), budget, pool, spool, plan, ...opened });
  }

  /** One request as long as the object is there; only when it is not, what is there instead is looked up. */
  async function readFileRange(context: RequestContext, path: string, range: FileRange): Promise<Uint8Array> {
    if (range.length === 0) return new Uint8Array(0);
    try {
      return await storeOf(context).get(keys.toKey(context.principal, path), {
        ...range,
        signal: context.signal,
      });
    } catch (error) {
      if (isNotFound(error)) await existingFile(context, path);
      throw error;
    }
  }

  return {
    name: 's3',
    listDir,
    fileInfo: (context, path) => translated('fileInfo', path, () => existing(context, path)),
    makeDir: (context, path) => translated('makeDir', path, () => makeDir(context, path)),
    delDir: (context, path) => translated('delDir', path, () => delDir(context, path)),
    delete: (context, path) => translated('delete', path, () => remove(context, path)),
    rename: (context, from, to, options) =>
      translated('rename', from, () => rename(context, from, to, options)),
    readFile: (context, path) =>
      translated('readFile', path, async () => {
        const { etag } = await existingFile(context, path);
        return await storeOf(context).get(keys.toKey(context.principal, path), {
          etag,
          signal: context.signal,
        });
      }),
    readFileRange: (context, path, range) =>
      translated('readFileRange', path, () => readFileRange(context, path, range)),
    writeFile: (context, path, bytes, attributes) =>
      translated('writeFile', path, () => writeThrough({ beginWrite }, context, path, bytes, attributes)),
    beginWrite: (context, path, options) =>
      translated('beginWrite', path, () => beginWrite(context, path, options)),
    storedFile: (context, path) => translated('storedFile', path, () => storedFile(context, path)),
    locate: ({ principal }, path) => ({
      bucket: options.storeOf(principal).bucket,
      key: keys.toKey(principal, path),
    }),
  };
}

/** Every error of this backend leaves it as the contract's. */
async function translated<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toFsError(error, operation, path);
  }
}
