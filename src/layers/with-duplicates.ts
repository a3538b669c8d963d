import { randomUUID } from 'node:crypto';
import type { RenameOptions, StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError, isCode } from '../contract/errors.ts';
import type { FileInfo, StoredFile } from '../contract/types.ts';
import { copyRange } from './copy-range.ts';
import { toSuffixedPath } from './suffixed-path.ts';

export interface DuplicatesOptions {
  /** `reject`: the upload fails, `EEXIST`. `version`: it gets a name of its own beside the file that is there. */
  readonly policy: 'reject' | 'version';
  /** Whether a file of that path is still to get its name: until then it may be replaced. */
  readonly isTemporary: (path: string) => boolean;
}

/**
 * No upload and no rename replaces a file under its final name, not even one that came to stand there in the same
 * moment: everything is made with `exclusive`. So of two uploads of one new name the second to finish fails, under
 * `version` too; it gets a name of its own when it tries again.
 */
export function withDuplicates(
  backend: StreamingBackend,
  { policy, isTemporary }: DuplicatesOptions,
): StreamingBackend {
  async function beginWrite(call: RequestContext, path: string, open: WriteOptions): Promise<Upload> {
    if (isTemporary(path)) return await backend.beginWrite(call, path, open);
    try {
      return await backend.beginWrite(call, path, { ...open, exclusive: true });
    } catch (error) {
      if (open.exclusive || policy === 'reject' || !isCode(error, 'EEXIST')) throw error;
    }
    const older = await backend.fileInfo(call, path);
    if (older.type === 'directory') throw new FsError('EISDIR', 'it is a directory', { path });
    return await beginBeside(call, path, older, open);
  }

  async function beginBeside(
    call: RequestContext,
    path: string,
    older: FileInfo,
    open: WriteOptions,
  ): Promise<Upload> {
    const beside = toSuffixedPath(path, new Date(), tokenOf(call.uploadId));
    const upload = await backend.beginWrite(call, beside, {
      ...open,
      create: true,
      exclusive: true,
      requestedPath: path,
    });
    if (open.truncate) return upload;
    try {
      await copyInto(upload, call, path, older);
      return upload;
    } catch (error) {
      await upload.abortWrite();
      throw error;
    }
  }

  /** Bytes that are not written are those of the file that was opened. */
  async function copyInto(
    upload: Upload,
    call: RequestContext,
    path: string,
    { size, etag }: FileInfo,
  ): Promise<void> {
    const content = etag === undefined ? {} : { etag };
    if (upload.copyChunk !== undefined) {
      if (size > 0) await upload.copyChunk(path, { offset: 0, length: size, ...content }, 0);
      return;
    }
    const range = { offset: 0, length: size, ...content };
    await copyRange(upload, (window) => backend.readFileRange(call, path, window), range, 0);
  }

  async function rename(
    call: RequestContext,
    from: string,
    to: string,
    how: RenameOptions = {},
  ): Promise<StoredFile | undefined> {
    if (isTemporary(to)) return await backend.rename(call, from, to, how);
    try {
      return await backend.rename(call, from, to, { ...how, exclusive: true });
    } catch (error) {
      if (how.exclusive === true || !isCode(error, 'EEXIST')) throw error;
      // What a directory may replace, and what may replace one, is for the backend to say.
      const [source, target] = await Promise.all([backend.fileInfo(call, from), backend.fileInfo(call, to)]);
      if ([source, target].some(({ type }) => type === 'directory')) {
        return await backend.rename(call, from, to, how);
      }
      if (policy === 'reject' || !isTemporary(from)) throw error;
    }
    const beside = toSuffixedPath(to, new Date(), tokenOf());
    return await backend.rename(call, from, beside, { ...how, exclusive: true, requestedPath: to });
  }

  return { ...backend, beginWrite, rename };
}

function tokenOf(uploadId: string = randomUUID()): string {
  return uploadId.slice(0, 8);
}
