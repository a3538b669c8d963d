import { type Backend, type DirectoryEntry, directoryInfo, FsError, fileInfo } from 'sluice';

/** One folder of whole files, kept in memory: put your database, your API or your queue in its place. */
export function createShelf(): Backend {
  const files = new Map<string, { readonly bytes: Uint8Array; readonly mtime: number }>();

  const existing = (path: string) => {
    if (path === '/') throw new FsError('EISDIR', 'the shelf is a directory', { path });
    const file = files.get(path);
    if (file === undefined) throw new FsError('ENOENT', 'no such file', { path });
    return file;
  };
  const noFolders = (path: string) => {
    throw new FsError('EROFS', 'a shelf has no folders', { path });
  };

  return {
    name: 'shelf',
    async *listDir(_context, path) {
      if (path !== '/') throw new FsError(files.has(path) ? 'ENOTDIR' : 'ENOENT', 'no such folder', { path });
      yield [...files].map(
        ([path, { bytes, mtime }]): DirectoryEntry => ({
          name: path.slice(1),
          ...fileInfo(bytes.length, mtime),
        }),
      );
    },
    async fileInfo(_context, path) {
      if (path === '/') return directoryInfo();
      const { bytes, mtime } = existing(path);
      return fileInfo(bytes.length, mtime);
    },
    makeDir: async (_context, path) => noFolders(path),
    delDir: async (_context, path) => noFolders(path),
    async delete(_context, path) {
      existing(path);
      files.delete(path);
    },
    async rename(_context, from, to, { exclusive = false } = {}) {
      const file = existing(from);
      if (exclusive && files.has(to)) throw new FsError('EEXIST', 'the name is taken', { path: to });
      files.delete(from);
      files.set(to, file);
      return { size: file.bytes.length };
    },
    readFile: async (_context, path) => existing(path).bytes,
    async writeFile(_context, path, bytes) {
      if (path.lastIndexOf('/') > 0) return noFolders(path);
      files.set(path, { bytes, mtime: Date.now() / 1000 });
      return { size: bytes.length };
    },
  };
}
