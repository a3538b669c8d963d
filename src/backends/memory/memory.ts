import { constants } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { createFileImage, createImageUpload } from '../../buffers/file-image.ts';
import type { FileRange, StreamingBackend } from '../../contract/backend.ts';
import { FsError, type FsErrorCode } from '../../contract/errors.ts';
import { isBelow } from '../../contract/path.ts';
import {
  type DirectoryEntry,
  directoryInfo,
  type FileAttributes,
  type FileInfo,
  type FileLocation,
  type FileNotes,
  fileInfo,
  type StoredFile,
} from '../../contract/types.ts';

/** Entries in a page of a listing. Small, so that every test that lists much meets several pages. */
const PAGE_ENTRIES = 64;

interface FileNode {
  readonly type: 'file';
  /** Never changed once stored: a new content is a new node. */
  readonly bytes: Uint8Array;
  readonly mtime: number;
  readonly mode: number | undefined;
  readonly etag: string;
  readonly notes: FileNotes;
}

interface DirectoryNode {
  readonly type: 'directory';
  readonly entries: Map<string, Node>;
  mtime: number;
}

type Node = FileNode | DirectoryNode;

/** A name in a directory that exists; `node` is what stands there, if anything. */
interface Place {
  readonly parent: DirectoryNode;
  readonly name: string;
  readonly node: Node | undefined;
}

/**
 * The reference implementation of the contract: one POSIX tree in memory, the same for all principals, gone
 * with the process. Every change of the tree happens within one turn of the event loop and so is atomic.
 */
export function createMemoryBackend(): StreamingBackend {
  const root = createDirectoryNode();
  let contentsStored = 0;

  /** What stands at `path`; `undefined` only when its parent is a directory without that name. */
  function find(operation: string, path: string): Node | undefined {
    return path === '/' ? root : locate(operation, path).node;
  }

  function get(operation: string, path: string): Node {
    return find(operation, path) ?? fail('ENOENT', operation, path);
  }

  function getFile(operation: string, path: string): FileNode {
    const node = get(operation, path);
    return node.type === 'file' ? node : fail('EISDIR', operation, path);
  }

  function getDirectory(operation: string, path: string): DirectoryNode {
    const node = get(operation, path);
    return node.type === 'directory' ? node : fail('ENOTDIR', operation, path);
  }

  /** Path resolution (POSIX.1-2017, 4.13) up to the last name. Not for the root, which stands in no directory. */
  function locate(operation: string, path: string): Place {
    const names = path.slice(1).split('/');
    const name = names.pop() ?? '';
    let parent = root;
    for (const step of names) {
      const next = parent.entries.get(step) ?? fail('ENOENT', operation, path);
      if (next.type === 'file') return fail('ENOTDIR', operation, path);
      parent = next;
    }
    return { parent, name, node: parent.entries.get(name) };
  }

  /** Refuses what `open(2)` for writing refuses. */
  function locateForWriting(
    operation: string,
    path: string,
    options: { readonly exclusive: boolean },
  ): Place & { readonly node: FileNode | undefined } {
    if (path === '/') return fail(options.exclusive ? 'EEXIST' : 'EISDIR', operation, path);
    const { parent, name, node } = locate(operation, path);
    if (node !== undefined && options.exclusive) return fail('EEXIST', operation, path);
    if (node?.type === 'directory') return fail('EISDIR', operation, path);
    return { parent, name, node };
  }

  function readRange(operation: string, path: string, { offset, length, etag }: FileRange): Uint8Array {
    const file = getFile(operation, path);
    if (etag !== undefined && etag !== file.etag) return fail('ESTALE', operation, path);
    return file.bytes.subarray(offset, offset + length);
  }

  function store(
    operation: string,
    path: string,
    bytes: Uint8Array,
    {
      exclusive,
      attributes = {},
      notes = {},
    }: {
      readonly exclusive: boolean;
      readonly attributes?: FileAttributes | undefined;
      readonly notes?: FileNotes | undefined;
    },
  ): StoredFile {
    const { parent, name, node } = locateForWriting(operation, path, { exclusive });
    const { mtime = now(), mode = node?.mode } = attributes;
    contentsStored += 1;
    const etag = `"memory-${contentsStored}"`;
    const stored: FileNode = { type: 'file', bytes: copyOf(bytes), mtime, mode, etag, notes };
    put(parent, name, stored);
    return toStored(stored, path);
  }

  return {
    name: 'memory',

    async *listDir(_context, path) {
      const entries = [...getDirectory('listDir', path).entries].map(toEntry);
      for (let start = 0; start < entries.length; start += PAGE_ENTRIES) {
        yield entries.slice(start, start + PAGE_ENTRIES);
      }
    },

    async fileInfo(_context, path) {
      return toInfo(get('fileInfo', path));
    },

    async makeDir(_context, path) {
      if (path === '/') return fail('EEXIST', 'makeDir', path);
      const { parent, name, node } = locate('makeDir', path);
      if (node !== undefined) return fail('EEXIST', 'makeDir', path);
      put(parent, name, createDirectoryNode());
    },

    async delDir(_context, path) {
      if (path === '/') return fail('EBUSY', 'delDir', path);
      const { entries } = getDirectory('delDir', path);
      if (entries.size > 0) return fail('ENOTEMPTY', 'delDir', path);
      remove(locate('delDir', path));
    },

    async delete(_context, path) {
      getFile('delete', path);
      remove(locate('delete', path));
    },

    async rename(_context, from, to, { exclusive = false } = {}) {
      const source = get('rename', from);
      const moved = source.type === 'file' ? toStored(source, to) : undefined;
      if (from === to) return moved;
      if (from === '/' || to === '/') return fail('EBUSY', 'rename', from === '/' ? from : to);
      if (source.type === 'directory' && isBelow(to, from)) return fail('EINVAL', 'rename', to);
      const target = locate('rename', to);
      if (exclusive && target.node !== undefined) return fail('EEXIST', 'rename', to);
      assertReplaceable(source, target.node, to);
      remove(locate('rename', from));
      put(target.parent, target.name, source);
      return moved;
    },

    async storedFile(_context, path) {
      return toStored(getFile('storedFile', path), path);
    },

    locate: (_context, path) => locationOf(path),

    async readFile(_context, path) {
      return copyOf(getFile('readFile', path).bytes);
    },

    async readFileRange(_context, path, range) {
      return copyOf(readRange('readFileRange', path, range));
    },

    async writeFile(_context, path, bytes, attributes) {
      return store('writeFile', path, bytes, { exclusive: false, attributes });
    },

    async beginWrite(_context, path, { create, exclusive, truncate, append, attributes, notes }) {
      const { node } = locateForWriting('beginWrite', path, { exclusive });
      if (node === undefined && !create) return fail('ENOENT', 'beginWrite', path);
      const image = createFileImage({
        maxBytes: constants.MAX_LENGTH,
        ...(node === undefined || truncate ? {} : { initial: node.bytes }),
      });
      return createImageUpload({
        path,
        image,
        append,
        attributes,
        store: (bytes, given) => store('finishWrite', path, bytes, { exclusive, attributes: given, notes }),
        read: async (from, range) => readRange('copyChunk', from, range),
      });
    },
  };
}

function fail(code: FsErrorCode, operation: string, path: string): never {
  throw new FsError(code, `${operation} ${path}`, { operation, path });
}

/** rename(2): whether `source` may take the place of what stands at `to`. */
function assertReplaceable(source: Node, target: Node | undefined, to: string): void {
  if (target === undefined) return;
  if (source.type === 'file' && target.type === 'directory') fail('EISDIR', 'rename', to);
  if (source.type === 'directory' && target.type === 'file') fail('ENOTDIR', 'rename', to);
  if (target.type === 'directory' && target.entries.size > 0) fail('ENOTEMPTY', 'rename', to);
}

function createDirectoryNode(): DirectoryNode {
  return { type: 'directory', entries: new Map(), mtime: now() };
}

function put(parent: DirectoryNode, name: string, node: Node): void {
  parent.entries.set(name, node);
  parent.mtime = now();
}

function remove({ parent, name }: Place): void {
  parent.entries.delete(name);
  parent.mtime = now();
}

function toInfo(node: Node): FileInfo {
  return node.type === 'directory'
    ? directoryInfo(node.mtime)
    : fileInfo(node.bytes.length, node.mtime, node.etag, node.mode);
}

function locationOf(path: string): FileLocation {
  return { bucket: 'memory', key: path.slice(1) };
}

function toStored({ bytes, etag, notes }: FileNode, path: string): StoredFile {
  return {
    size: bytes.length,
    etag,
    location: locationOf(path),
    checksum: { algorithm: 'CRC32', value: crc32Base64(bytes), type: 'FULL_OBJECT' },
    notes,
  };
}

function toEntry([name, node]: readonly [string, Node]): DirectoryEntry {
  return { name, ...toInfo(node) };
}

/** Not `slice`: on a Buffer that is a view. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function crc32Base64(bytes: Uint8Array): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(bytes));
  return checksum.toString('base64');
}

function now(): number {
  return Date.now() / 1000;
}
