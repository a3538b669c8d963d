import { FsError } from '../../contract/errors.ts';
import { normalizePath } from '../../contract/path.ts';
import { type FileInfo, fileInfo } from '../../contract/types.ts';
import { spoil, type UploadHandle } from '../handle-table.ts';
import type { RequestOf, SessionState } from '../state.ts';
import { toFileAttributes } from '../wire/attributes.ts';
import { attributesReply } from '../wire/replies.ts';
import { ok } from './ok.ts';

/** A file that this very session is writing is there already for its client, as on a local file system. */
async function infoOf(state: SessionState, operation: string, path: string): Promise<FileInfo> {
  const upload = state.handles.uploadAt(path);
  if (upload !== undefined) return infoOfUpload(upload);
  return await state.observe(operation, path, () => state.backend.fileInfo(state.context, path));
}

function infoOfUpload({ upload, startedAt }: UploadHandle): FileInfo {
  return fileInfo(upload.size, startedAt);
}

/** STAT and LSTAT are the same: no backend has symbolic links of its own. */
export async function stat(state: SessionState, request: RequestOf<'stat' | 'lstat'>): Promise<Buffer> {
  const path = normalizePath(request.path);
  return attributesReply(request.id, await infoOf(state, request.kind, path));
}

export async function fstat(state: SessionState, request: RequestOf<'fstat'>): Promise<Buffer> {
  const handle = state.handles.get(request.handle, 'file', 'upload', 'directory');
  switch (handle.kind) {
    case 'file':
      return attributesReply(request.id, handle.info);
    case 'upload':
      return attributesReply(request.id, infoOfUpload(handle));
    case 'directory': {
      const { path } = handle;
      const info = await state.observe('fstat', path, () => state.backend.fileInfo(state.context, path));
      return attributesReply(request.id, info);
    }
  }
}

/**
 * Times, owner and permissions of an existing file are accepted and not kept: clients set them after an upload
 * and report the whole upload as failed when that is refused. A size is only accepted when it changes nothing.
 */
export async function setstat(state: SessionState, request: RequestOf<'setstat'>): Promise<Buffer> {
  const path = normalizePath(request.path);
  const info = await infoOf(state, request.kind, path);
  const { size } = request.attributes;
  if (size !== undefined && size !== info.size) {
    throw new FsError('ENOTSUP', 'changing the size of a file that is not open', { path });
  }
  return ok(request.id);
}

/**
 * A size is that of the upload when it is finished, and one that is refused spoils it; times and permissions go with
 * the file. The rest is treated as in {@link setstat}.
 */
export async function fsetstat(state: SessionState, request: RequestOf<'fsetstat'>): Promise<Buffer> {
  const handle = state.handles.get(request.handle, 'file', 'upload', 'directory');
  const { size } = request.attributes;
  if (handle.kind === 'upload') handle.upload.setAttributes(toFileAttributes(request.attributes));
  if (size !== undefined) {
    if (handle.kind !== 'upload') throw new FsError('EBADF', 'the handle is not open for writing');
    if (handle.failure !== undefined) throw handle.failure;
    await handle.upload.setSize(size).catch((error) => spoil(handle, error));
  }
  return ok(request.id);
}

/** There are no symbolic links, so what exists is not one (EINVAL, as readlink(2) says). */
export async function readlink(state: SessionState, request: RequestOf<'readlink'>): Promise<Buffer> {
  const path = normalizePath(request.path);
  await state.observe('readlink', path, () => state.backend.fileInfo(state.context, path));
  throw new FsError('EINVAL', 'not a symbolic link', { path });
}
