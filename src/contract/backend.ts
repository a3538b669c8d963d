import type { RequestContext } from './context.ts';
import type {
  DirectoryEntry,
  FileAttributes,
  FileInfo,
  FileLocation,
  FileNotes,
  StoredFile,
} from './types.ts';

/**
 * The storage contract.
 *
 * Paths are always normalised (see `normalizePath`): absolute, no `.`/`..`/empty segments, no trailing slash.
 * Every failure is an `FsError` with the POSIX code that the same call on a local file system would give;
 * anything else that is thrown reaches the client as `EIO`. Methods may be called concurrently.
 *
 * Required are the eight operations of whole files and directories. A backend that also implements
 * `readFileRange` and `beginWrite` streams; one that does not is wrapped by the buffering layer, which
 * holds whole files in memory, within a limit.
 */
export interface Backend {
  /** Short name for spans and logs: `s3`, `memory`, ... */
  readonly name: string;

  /**
   * The names in a directory, in pages of whatever size suits the store; an empty directory yields none.
   * @throws FsError `ENOENT`, `ENOTDIR`, `EACCES`; at the latest when the first page is asked for.
   */
  listDir(context: RequestContext, path: string): AsyncIterable<readonly DirectoryEntry[]>;

  /** @throws FsError `ENOENT`, `ENOTDIR`, `EACCES`. */
  fileInfo(context: RequestContext, path: string): Promise<FileInfo>;

  /** @throws FsError `EEXIST` when anything is there already; `ENOENT` when the parent is missing. */
  makeDir(context: RequestContext, path: string): Promise<void>;

  /** Removes an empty directory. @throws FsError `ENOENT`, `ENOTDIR`, `ENOTEMPTY`, `EBUSY` for the root. */
  delDir(context: RequestContext, path: string): Promise<void>;

  /** Removes a file. @throws FsError `ENOENT`, `EISDIR`. */
  delete(context: RequestContext, path: string): Promise<void>;

  /**
   * Moves a file or a directory with everything in it. An existing file at `to` is replaced, an existing
   * directory only by a directory and only when it is empty (POSIX `rename`).
   * Onto itself it changes nothing. Returns what the store now has at `to`; undefined for a directory.
   * @throws FsError `ENOENT`, `EISDIR`, `ENOTDIR`, `ENOTEMPTY`, `EINVAL` when `to` lies below `from`, `EBUSY` for
   * the root, `EEXIST` with `exclusive`.
   */
  rename(
    context: RequestContext,
    from: string,
    to: string,
    options?: RenameOptions,
  ): Promise<StoredFile | undefined>;

  /** The whole file. @throws FsError `ENOENT`, `EISDIR`. */
  readFile(context: RequestContext, path: string): Promise<Uint8Array>;

  /** Creates or replaces a whole file, at once or not at all. @throws FsError `EISDIR`, `ENOENT`, `ENOTDIR`. */
  writeFile(
    context: RequestContext,
    path: string,
    bytes: Uint8Array,
    attributes?: FileAttributes,
  ): Promise<StoredFile>;

  /**
   * Up to `length` bytes from `offset`; fewer only at the end of the file, none at or past it.
   * With `etag`, only if the file still has that content: `ESTALE` otherwise.
   */
  readFileRange?(context: RequestContext, path: string, range: FileRange): Promise<Uint8Array>;

  /**
   * Opens a file for streaming. Nothing is visible at `path`, and nothing there changes, before
   * `finishWrite` resolves.
   * With `exclusive`, `finishWrite` rejects `EEXIST` too if the file came to exist meanwhile.
   * @throws FsError `EISDIR`, `EEXIST` (with `exclusive`), `ENOENT` (without `create`, or the parent), `ENOTDIR`.
   */
  beginWrite?(context: RequestContext, path: string, options: WriteOptions): Promise<Upload>;

  /** What the store knows of a file, without its bytes. @throws FsError `ENOENT`, `EISDIR`. */
  storedFile?(context: RequestContext, path: string): Promise<StoredFile>;

  /** Where the store keeps, or would keep, the file of a path. Asks nobody. */
  locate?(context: RequestContext, path: string): FileLocation;
}

/** How a rename treats what stands at its target. */
export interface RenameOptions {
  /** Whatever stands at the target is `EEXIST`. */
  readonly exclusive?: boolean;
  /** As in {@link WriteOptions}. */
  readonly requestedPath?: string;
}

/** Which bytes of a file, and optionally of which content. */
export interface FileRange {
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly etag?: string;
  /**
   * Gives memory of so many bytes to read into, which may have been used before, and what is returned may be a view of it. Once the range is there it is the
   * caller's again. A backend that makes memory of its own for each range is as right, and slower; one that begins again asks again.
   */
  readonly allocate?: (bytes: number) => Uint8Array;
}

/** The open flags of POSIX `open(2)`, as far as they concern writing. */
export interface WriteOptions {
  /** O_CREAT: a missing file is created. */
  readonly create: boolean;
  /** O_EXCL: an existing one is `EEXIST`. */
  readonly exclusive: boolean;
  /** O_TRUNC: earlier content is dropped; without it, bytes not written keep their old value. */
  readonly truncate: boolean;
  /** O_APPEND: every write goes to the current end, whatever its offset. */
  readonly append: boolean;
  /** O_RDWR: what has been written will be read before the end. A hint: `readChunk` may be called without it. */
  readonly read?: boolean;
  /** As `setAttributes`, known from the start. */
  readonly attributes?: FileAttributes;
  /** Kept with the file; `storedFile` gives them back. A store that has no such thing ignores them. */
  readonly notes?: FileNotes;
  /** The path that the client asked for, where the file is to stand under another one. No store needs it. */
  readonly requestedPath?: string;
}

/**
 * One upload: one write handle from OPEN to CLOSE. Ends with exactly one of `finishWrite` and `abortWrite`;
 * a rejected `finishWrite` has cleaned up after itself. After the end everything rejects `EBADF`, except
 * `abortWrite`, which does nothing.
 */
export interface Upload {
  /**
   * Takes bytes for `offset` and is done with `bytes` when it returns or resolves: the caller reuses them.
   * A promise means "wait, I have no room": nothing further is sent before it resolves.
   * A refusal is a throw or a rejection; after it the upload can only be aborted.
   */
  writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void;

  /**
   * Whether `writeChunk` is done with `bytes` as soon as it returns, even when what it returns is a promise. Otherwise the bytes of
   * each chunk are copied first: they lie where the next read of a socket puts its own.
   */
  readonly takesAtOnce?: boolean;

  /** ftruncate: bytes past `size` are dropped; a hole up to it reads as zeros. `size` in bytes. */
  setSize(size: number): Promise<void>;

  /**
   * Up to `length` bytes from `offset` of the file as it would be if it were finished now; fewer only at its end.
   * @throws FsError `ENOTSUP` for bytes that the store has taken and does not give back before the end.
   */
  readChunk(offset: number, length: number): Promise<Uint8Array>;

  /** Attributes of the finished file; what is left out stays as it is. A store that has no such thing ignores them. */
  setAttributes(attributes: FileAttributes): void;

  /**
   * Takes `length` bytes of another file of the same backend, from `offset` of that, for `to`, without moving them
   * through this process. Only if the file still has the content of `etag`: `ESTALE` otherwise, here or at the end.
   */
  copyChunk?(path: string, range: FileRange, to: number): Promise<void>;

  /** Bytes the file would have if it were finished now. */
  readonly size: number;

  /** Resolves when every byte so far that can go to the store is there: earlier failures surface here. */
  sync(): Promise<void>;

  /** Resolves when the whole file is stored under its name and the store has verified it. */
  finishWrite(): Promise<StoredFile>;

  /** Leaves no trace: an older file at the path stays as it was. Never rejects for "nothing to abort". */
  abortWrite(): Promise<void>;

  /** Which of the store's units (an S3 part) holds the byte at `offset`. Telemetry groups writes by it. */
  unitAt?(offset: number): number;
}

/** A backend whose optional groups are all there: the only shape that the protocol room knows. */
export type StreamingBackend = Required<Backend>;

/** Whether a backend implements an optional operation. */
export function supportsCallback<K extends keyof Backend>(
  backend: Backend,
  operation: K,
): backend is Backend & Required<Pick<Backend, K>> {
  return typeof backend[operation] === 'function';
}
