import type { RenameOptions, StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError, type FsErrorCode, isCode } from '../contract/errors.ts';
import { parentPath } from '../contract/path.ts';
import { type DirectoryEntry, directoryInfo, type FileInfo, type StoredFile } from '../contract/types.ts';
import { type Place, toClient, translated } from './folder-place.ts';
import { FolderUpload } from './folder-upload.ts';
import {
  directoriesTo,
  isFixed,
  isMountPoint,
  isSameStore,
  namesOfFolders,
  placeOf,
  withBothPermissions,
} from './virtual-folders.ts';

/**
 * Shows principals that have folders these alone, and asks the backend for what lies in them (docs/tenancy.md): with the session, bucket
 * and permissions of the folder, and with the path there. Of folders it never hears. Whoever has none sees what the backend has.
 *
 * The root, the folders and whatever they lie in are directories at all times. They are not removed and not renamed, and
 * those that the store has not are made there when something comes to stand in them.
 */
export function withFolders(backend: StreamingBackend): StreamingBackend {
  const inFolders = mount(backend);
  const of = ({ principal }: RequestContext) => (principal.folders === undefined ? backend : inFolders);
  return {
    name: backend.name,
    listDir: (context, path) => of(context).listDir(context, path),
    fileInfo: (context, path) => of(context).fileInfo(context, path),
    makeDir: (context, path) => of(context).makeDir(context, path),
    delDir: (context, path) => of(context).delDir(context, path),
    delete: (context, path) => of(context).delete(context, path),
    rename: (context, from, to, how) => of(context).rename(context, from, to, how),
    readFile: (context, path) => of(context).readFile(context, path),
    readFileRange: (context, path, range) => of(context).readFileRange(context, path, range),
    writeFile: (context, path, bytes, attributes) => of(context).writeFile(context, path, bytes, attributes),
    beginWrite: (context, path, open) => of(context).beginWrite(context, path, open),
    storedFile: (context, path) => of(context).storedFile(context, path),
    locate: (context, path) => of(context).locate(context, path),
  };
}

/** The backend, as principals with folders see it. */
function mount(backend: StreamingBackend): StreamingBackend {
  /** What the store has in a directory: nothing, when it lacks one that is there at all times. */
  async function* listStored(context: RequestContext, path: string): ReturnType<typeof listDir> {
    const isAlwaysThere = isFixed(context.principal, path);
    const place = isAlwaysThere ? find(context, path) : existing(context, path, 'EISDIR');
    if (place === undefined) return;
    try {
      yield* backend.listDir(place.context, place.path);
    } catch (error) {
      if (!isAlwaysThere || !isMissing(error)) throw toClient(error, [place]);
    }
  }

  /** A folder hides what the store has under its name. */
  async function* listDir(context: RequestContext, path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    const names = namesOfFolders(context.principal, path);
    let folders = Array.from(names, (name) => ({ ...directoryInfo(), name }));
    for await (const page of listStored(context, path)) {
      const entries = [...page.filter(({ name }) => !names.has(name)), ...folders];
      folders = [];
      if (entries.length > 0) yield entries;
    }
    if (folders.length > 0) yield folders;
  }

  async function fileInfo(context: RequestContext, path: string): Promise<FileInfo> {
    const isAlwaysThere = isFixed(context.principal, path);
    const place = isAlwaysThere ? find(context, path) : existing(context, path, 'EISDIR');
    if (place === undefined) return directoryInfo();
    try {
      const info = await backend.fileInfo(place.context, place.path);
      return isAlwaysThere && info.type === 'file' ? directoryInfo() : info;
    } catch (error) {
      if (!isAlwaysThere || !isMissing(error)) throw toClient(error, [place]);
      return directoryInfo();
    }
  }

  /** Asks about what lies in a folder. */
  function ask<T>(place: Place, run: (context: RequestContext, path: string) => Promise<T>): Promise<T> {
    return translated([place], () => run(place.context, place.path));
  }

  /** Makes something; where the store lacks a directory that the client sees, that first, unless `check` rejects. */
  async function make<T>(
    { principal }: RequestContext,
    place: Place,
    run: (context: RequestContext, path: string) => Promise<T>,
    check?: () => Promise<unknown>,
  ): Promise<T> {
    const attempt = () => ask(place, run);
    return await attempt().catch(async (error: unknown) => {
      if (!isCode(error, 'ENOENT') || !isFixed(principal, parentPath(place.shown))) throw error;
      await check?.();
      await ask(place, makeParents);
      return await attempt();
    });
  }

  async function makeParents(context: RequestContext, path: string): Promise<void> {
    for (const directory of directoriesTo(parentPath(path))) {
      await backend.makeDir(context, directory).catch((error: unknown) => {
        if (!isCode(error, 'EEXIST')) throw error;
      });
    }
  }

  async function rename(
    call: RequestContext,
    from: string,
    to: string,
    how: RenameOptions = {},
  ): Promise<StoredFile | undefined> {
    const source = existing(call, from, refusalOf(call, from));
    const target = coming(call, to, refusalOf(call, to));
    const [one, other] = [source.context.principal, target.context.principal];
    if (!isSameStore(one, other)) {
      throw new FsError('EXDEV', 'the folders are not in one store', { operation: 'rename', path: from });
    }
    const both = { ...target, context: { ...call, principal: withBothPermissions(one, other) } };
    const options = inBackend(call, how);
    const move = (context: RequestContext, path: string) =>
      translated([source], () => backend.rename(context, source.path, path, options));
    return await make(call, both, move, () => ask(source, backend.fileInfo));
  }

  async function beginWrite(call: RequestContext, path: string, open: WriteOptions): Promise<Upload> {
    const refusal = open.exclusive ? 'EEXIST' : 'EISDIR';
    const place = open.create ? coming(call, path, refusal) : existing(call, path, refusal);
    const options = inBackend(call, open);
    const begin = (context: RequestContext, inner: string) => backend.beginWrite(context, inner, options);
    const upload = open.create ? await make(call, place, begin) : await ask(place, begin);
    return new FolderUpload(upload, {
      place,
      sourceAt: (source) => existing(call, source, 'EISDIR'),
      read: ({ context, path: inner }, range) => backend.readFileRange(context, inner, range),
    });
  }

  return {
    name: backend.name,
    listDir,
    fileInfo,
    rename,
    beginWrite,
    makeDir: async (call, path) => await make(call, coming(call, path, 'EEXIST'), backend.makeDir),
    delDir: async (call, path) => await ask(existing(call, path, refusalOf(call, path)), backend.delDir),
    delete: async (call, path) => await ask(existing(call, path, 'EISDIR'), backend.delete),
    readFile: async (call, path) => await ask(existing(call, path, 'EISDIR'), backend.readFile),
    readFileRange: async (call, path, range) =>
      await ask(existing(call, path, 'EISDIR'), (context, inner) =>
        backend.readFileRange(context, inner, range),
      ),
    writeFile: async (call, path, bytes, attributes) =>
      await make(call, coming(call, path, 'EISDIR'), (context, inner) =>
        backend.writeFile(context, inner, bytes, attributes),
      ),
    storedFile: async (call, path) => await ask(existing(call, path, 'EISDIR'), backend.storedFile),
    locate: (call, path) => {
      const place = existing(call, path, 'EISDIR');
      return backend.locate(place.context, place.path);
    },
  };
}

function find(context: RequestContext, path: string): Place | undefined {
  const place = placeOf(context.principal, path);
  return place && { context: { ...context, principal: place.principal }, path: place.path, shown: path };
}

/** Where something stands, in a folder. @throws FsError `refusal` for what is a directory at all times, `ENOENT` outside. */
function existing(context: RequestContext, path: string, refusal: FsErrorCode): Place {
  if (isFixed(context.principal, path)) throw new FsError(refusal, 'a folder is there', { path });
  const place = find(context, path);
  if (place === undefined) throw new FsError('ENOENT', 'it is in none of the folders', { path });
  return place;
}

/** Where something is to stand. Beside the folders nothing may. */
function coming(context: RequestContext, path: string, refusal: FsErrorCode): Place {
  const isBeside = isFixed(context.principal, parentPath(path)) && find(context, path) === undefined;
  if (isBeside && !isFixed(context.principal, path)) {
    throw new FsError('EACCES', 'there is room in the folders alone', { path });
  }
  return existing(context, path, refusal);
}

/** Of a removal, or a rename. */
function refusalOf({ principal }: RequestContext, path: string): FsErrorCode {
  return path === '/' || isMountPoint(principal, path) ? 'EBUSY' : 'EACCES';
}

/** What is asked for, with the paths of the backend. */
function inBackend<O extends RenameOptions | WriteOptions>(context: RequestContext, options: O): O {
  const { requestedPath } = options;
  const place = requestedPath === undefined ? undefined : find(context, requestedPath);
  return place === undefined ? options : { ...options, requestedPath: place.path };
}

function isMissing(error: unknown): boolean {
  return isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR');
}
