import {
  type Backend,
  type DirectoryEntry,
  directoryInfo,
  type FileInfo,
  FsError,
  fileInfo,
  type RequestContext,
  type StoredFile,
} from 'sluice';
import { type Api, spaceOf } from './api.ts';
import { openUpload } from './upload.ts';

/** What the API says of a file or directory. */
export interface Entry {
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly size: number;
  /** Seconds since the epoch. */
  readonly modified: number;
  readonly mode?: number;
  readonly etag?: string;
}

interface Page {
  readonly entries: readonly Entry[];
  readonly hasMore: boolean;
}

/** Range Not Satisfiable (RFC 9110, section 15.5.17): the file ends before, which is an answer. */
const PAST_THE_END = 416;

/** A server that has this backend is ready when the probe resolves. */
export type HttpBackend = Backend & { probe(): Promise<{ readonly state: 'ok' }> };

/** Files behind the HTTP API: one request for each operation, uploads in pieces, downloads by ranges. */
export function createBackend(api: Api): HttpBackend {
  const look = (context: RequestContext, operation: string, path: string) =>
    api.json<Entry>(context, { operation, path }, { resource: 'entry', query: { path } });

  return {
    name: 'http-files',

    async *listDir(context, path) {
      let after: string | undefined;
      for (;;) {
        const asked = { operation: 'listDir', path };
        const query = { path, after };
        const page: Page = await api.json(context, asked, { resource: 'entries', query });
        yield page.entries.map(toDirectoryEntry);
        after = page.entries.at(-1)?.name;
        if (!page.hasMore || after === undefined) return;
      }
    },

    fileInfo: async (context, path) => toInfo(await look(context, 'fileInfo', path)),

    async makeDir(context, path) {
      const asked = { operation: 'makeDir', path };
      await api.json(context, asked, { method: 'POST', resource: 'directory', query: { path } });
    },

    async delDir(context, path) {
      const asked = { operation: 'delDir', path };
      await api.json(context, asked, { method: 'DELETE', resource: 'directory', query: { path } });
    },

    async delete(context, path) {
      const asked = { operation: 'delete', path };
      await api.json(context, asked, { method: 'DELETE', resource: 'file', query: { path } });
    },

    async rename(context, from, to, { exclusive = false } = {}) {
      const asked = { operation: 'rename', path: from };
      const query = { from, to, exclusive };
      const moved = await api.json<Entry>(context, asked, { method: 'POST', resource: 'move', query });
      return moved.type === 'directory' ? undefined : toStored(moved, context, to);
    },

    readFile: (context, path) =>
      api.bytes(context, { operation: 'readFile', path }, { resource: 'content', query: { path } }),

    async readFileRange(context, path, { offset, length, etag }) {
      const asked = { operation: 'readFileRange', path };
      // HTTP has no range of no bytes (RFC 9110, section 14.1.2): one is asked for, and dropped.
      const last = offset + Math.max(length, 1) - 1;
      const headers = { range: `bytes=${offset}-${last}`, ...(etag && { 'if-match': etag }) };
      const request = { resource: 'content', query: { path }, headers, accepts: PAST_THE_END };
      return (await api.bytes(context, asked, request)).subarray(0, length);
    },

    async writeFile(context, path, bytes, { mtime, mode } = {}) {
      const asked = { operation: 'writeFile', path };
      const query = { path, mtime, mode };
      const entry = await api.json<Entry>(context, asked, {
        method: 'PUT',
        resource: 'content',
        query,
        body: bytes,
      });
      return toStored(entry, context, path);
    },

    beginWrite: (context, path, options) =>
      openUpload(api, context, path, options, (entry) => toStored(entry, context, path)),

    async storedFile(context, path) {
      const entry = await look(context, 'storedFile', path);
      if (entry.type === 'directory')
        throw new FsError('EISDIR', 'it has no content', { operation: 'storedFile', path });
      return toStored(entry, context, path);
    },

    locate: (context, path) => locationOf(context, path),

    async probe() {
      await api.ping();
      return { state: 'ok' };
    },
  };
}

function toInfo({ type, size, modified, etag, mode }: Entry): FileInfo {
  return type === 'directory' ? directoryInfo(modified) : fileInfo(size, modified, etag, mode);
}

function toDirectoryEntry(entry: Entry): DirectoryEntry {
  return { name: entry.name, ...toInfo(entry) };
}

/** What jobs are told: the space, and the file's name in it. */
function locationOf(context: RequestContext, path: string) {
  return { bucket: spaceOf(context, { operation: 'locate', path }), key: path.slice(1) };
}

function toStored({ size, etag }: Entry, context: RequestContext, path: string): StoredFile {
  return { size, location: locationOf(context, path), ...(etag === undefined ? {} : { etag }) };
}
