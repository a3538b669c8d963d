import { randomUUID } from 'node:crypto';
import { FsError } from '../../contract/errors.ts';
import { normalizePath } from '../../contract/path.ts';
import { type FileAttributes, type FileInfo, fileInfo } from '../../contract/types.ts';
import { spoil, type UploadHandle } from '../handle-table.ts';
import type { RequestOf, SessionState } from '../state.ts';
import { type Attributes, toFileAttributes } from '../wire/attributes.ts';
import { attributesReply } from '../wire/replies.ts';
import { ok } from './ok.ts';

/** A file that this very session is writing is there already for its client, as on a local file system. */
async function infoOf(state: SessionState, operation: string, path: string): Promise<FileInfo> {
  const upload = state.handles.uploadAt(path);
  if (upload !== undefined) return infoOfUpload(upload);
  return await state.observer.request(operation, path, () => state.backend.fileInfo(state.context, path));
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
      const info = await state.observer.request('fstat', path, () =>
        state.backend.fileInfo(state.context, path),
      );
      return attributesReply(request.id, info);
    }
  }
}

/**
 * Of a file that this session is writing as {@link fsetstat}. Times, owner and permissions of one that is stored are
 * accepted and not kept: clients set them after an upload and report the whole upload as failed when that is refused.
 * Another size is truncate(2), an upload of its own.
 */
export async function setstat(state: SessionState, request: RequestOf<'setstat'>): Promise<Buffer> {
  const path = normalizePath(request.path);
  const { attributes } = request;
  const upload = state.handles.uploadAt(path);
  if (upload === undefined) {
    await state.observer.request(request.kind, path, async () => {
      const info = await state.backend.fileInfo(state.context, path);
      if (attributes.size === undefined || attributes.size === info.size) return;
      await truncate(state, path, attributes.size, toFileAttributes(attributes));
    });
  } else await setOfUpload(upload, attributes);
  return ok(request.id);
}

/**
 * A size is that of the upload when it is finished, and one that is refused spoils it; times and permissions go with
 * the file. The rest is accepted and not kept.
 */
export async function fsetstat(state: SessionState, request: RequestOf<'fsetstat'>): Promise<Buffer> {
  const handle = state.handles.get(request.handle, 'file', 'upload', 'directory');
  if (handle.kind === 'upload') await setOfUpload(handle, request.attributes);
  else if (request.attributes.size !== undefined) {
    throw new FsError('EBADF', 'the handle is not open for writing');
  }
  return ok(request.id);
}

async function setOfUpload(handle: UploadHandle, attributes: Attributes): Promise<void> {
  const { upload, failure } = handle;
  upload.setAttributes(toFileAttributes(attributes));
  if (attributes.size === undefined) return;
  if (failure !== undefined) throw failure;
  await upload.setSize(attributes.size).catch((error) => spoil(handle, error));
}

async function truncate(
  { backend, context }: SessionState,
  path: string,
  size: number,
  attributes: FileAttributes,
): Promise<void> {
  const options = { create: false, exclusive: false, truncate: false, append: false, attributes };
  const upload = await backend.beginWrite({ ...context, uploadId: randomUUID() }, path, options);
  try {
    await upload.setSize(size);
  } catch (error) {
    await upload.abortWrite();
    throw error;
  }
  await upload.finishWrite();
}

/** There are no symbolic links, so what exists is not one (EINVAL, as readlink(2) says). */
export async function readlink(state: SessionState, request: RequestOf<'readlink'>): Promise<Buffer> {
  const path = normalizePath(request.path);
  await state.observer.request('readlink', path, () => state.backend.fileInfo(state.context, path));
  throw new FsError('EINVAL', 'not a symbolic link', { path });
}
