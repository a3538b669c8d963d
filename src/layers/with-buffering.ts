import { createFileImage, createImageUpload } from '../buffers/file-image.ts';
import {
  type Backend,
  type StreamingBackend,
  supportsCallback,
  type Upload,
  type WriteOptions,
} from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import type { FileInfo, StoredFile } from '../contract/types.ts';

export interface BufferingOptions {
  /** Largest file that is held in memory, read or written; past it `EFBIG`. Every open upload may hold one. */
  readonly maxFileBytes: number;
}

/**
 * Gives a backend of whole files the streaming operations, by holding whole files in memory. What the backend
 * streams itself is passed through.
 *
 * Two limits of whole-file stores remain. `exclusive` is checked when the upload begins and again when it
 * finishes, but the check and the write are two calls: of two writers that finish in the same instant both
 * may succeed. And every `readFileRange` reads the file whole.
 */
export function withBuffering(backend: Backend, options: BufferingOptions): StreamingBackend {
  const { maxFileBytes } = options;
  return {
    name: backend.name,
    listDir: (context, path) => backend.listDir(context, path),
    fileInfo: (context, path) => backend.fileInfo(context, path),
    makeDir: (context, path) => backend.makeDir(context, path),
    delDir: (context, path) => backend.delDir(context, path),
    delete: (context, path) => backend.delete(context, path),
    rename: (context, from, to, renameOptions) => backend.rename(context, from, to, renameOptions),
    readFile: (context, path) => backend.readFile(context, path),
    writeFile: (context, path, bytes, attributes) => backend.writeFile(context, path, bytes, attributes),
    readFileRange: supportsCallback(backend, 'readFileRange')
      ? (context, path, range) => backend.readFileRange(context, path, range)
      : (context, path, range) => readSlice(backend, maxFileBytes, context, path, range),
    beginWrite: supportsCallback(backend, 'beginWrite')
      ? (context, path, writeOptions) => backend.beginWrite(context, path, writeOptions)
      : (context, path, writeOptions) => collect(backend, maxFileBytes, context, path, writeOptions),
    storedFile: supportsCallback(backend, 'storedFile')
      ? (context, path) => backend.storedFile(context, path)
      : (context, path) => describe(backend, context, path),
    locate: supportsCallback(backend, 'locate')
      ? (context, path) => backend.locate(context, path)
      : (_context, path) => ({ bucket: backend.name, key: path.slice(1) }),
  };
}

async function describe(backend: Backend, context: RequestContext, path: string): Promise<StoredFile> {
  const { type, size, etag } = await backend.fileInfo(context, path);
  if (type === 'directory') throw refusal('EISDIR', 'storedFile', path);
  return { size, ...(etag === undefined ? {} : { etag }) };
}

async function readSlice(
  backend: Backend,
  maxFileBytes: number,
  context: RequestContext,
  path: string,
  range: { readonly offset: number; readonly length: number; readonly etag?: string },
): Promise<Uint8Array> {
  const before = await backend.fileInfo(context, path);
  assertHoldable(before, maxFileBytes, 'readFileRange', path);
  const bytes = await backend.readFile(context, path);
  // Asked after the read: a file that still is what the caller knows now was it while it was read.
  if (range.etag !== undefined && (await backend.fileInfo(context, path)).etag !== range.etag) {
    throw new FsError('ESTALE', 'the file has changed', { operation: 'readFileRange', path });
  }
  return bytes.subarray(range.offset, range.offset + range.length);
}

async function collect(
  backend: Backend,
  maxFileBytes: number,
  context: RequestContext,
  path: string,
  { create, exclusive, truncate, append, attributes }: WriteOptions,
): Promise<Upload> {
  const existing = await findInfo(backend, context, path);
  if (existing === undefined && !create) throw refusal('ENOENT', 'beginWrite', path);
  if (existing !== undefined && exclusive) throw refusal('EEXIST', 'beginWrite', path);
  if (existing?.type === 'directory') throw refusal('EISDIR', 'beginWrite', path);
  const keeps = existing !== undefined && !truncate;
  if (keeps) assertHoldable(existing, maxFileBytes, 'beginWrite', path);
  const image = createFileImage({
    maxBytes: maxFileBytes,
    ...(keeps ? { initial: await backend.readFile(context, path) } : {}),
  });
  return createImageUpload({
    path,
    image,
    append,
    attributes,
    store: async (bytes, given) => {
      if (exclusive && (await findInfo(backend, context, path)) !== undefined) {
        throw refusal('EEXIST', 'finishWrite', path);
      }
      return backend.writeFile(context, path, bytes, given);
    },
  });
}

/** What is at `path`, `undefined` for nothing. Whether its parent is there, `writeFile` will tell. */
async function findInfo(
  backend: Backend,
  context: RequestContext,
  path: string,
): Promise<FileInfo | undefined> {
  try {
    return await backend.fileInfo(context, path);
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function assertHoldable(info: FileInfo, maxFileBytes: number, operation: string, path: string): void {
  if (info.size > maxFileBytes) {
    throw new FsError('EFBIG', `the file passes ${maxFileBytes} bytes`, { operation, path });
  }
}

function refusal(code: 'EEXIST' | 'EISDIR' | 'ENOENT', operation: string, path: string): FsError {
  return new FsError(code, `${operation} ${path}`, { operation, path });
}
