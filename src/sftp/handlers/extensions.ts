import { MAX_NAME_BYTES } from '../../contract/path.ts';
import { LIMITS } from '../limits.ts';
import type { RequestOf, SessionState } from '../state.ts';
import { type FileSystemStatistics, limitsReply, statvfsReply } from '../wire/replies.ts';
import { ok } from './ok.ts';
import { resolvePath } from './resolve-path.ts';

/**
 * Object stores have no capacity to report: everything is free. 2^53 bytes is the largest size this server
 * can count, so it stands for "no limit".
 */
const UNLIMITED: FileSystemStatistics = {
  blockBytes: 4096,
  blocks: 2 ** 53 / 4096,
  freeBlocks: 2 ** 53 / 4096,
  files: 2 ** 32,
  freeFiles: 2 ** 32,
  maxNameBytes: MAX_NAME_BYTES,
};

export function limits(_state: SessionState, request: RequestOf<'limits'>): Buffer {
  return limitsReply(request.id, LIMITS);
}

export async function statvfs(state: SessionState, request: RequestOf<'statvfs'>): Promise<Buffer> {
  const path = resolvePath(state, request.path);
  await state.observer.request('statvfs', path, () => state.backend.fileInfo(state.context, path));
  return statvfsReply(request.id, UNLIMITED);
}

/**
 * fsync@openssh.com: OK means that every write so far was good and all that can be in the store is. The file is
 * under its name, and durable, when CLOSE says so, not before.
 */
export async function fsync(state: SessionState, request: RequestOf<'fsync'>): Promise<Buffer> {
  const handle = state.handles.get(request.handle, 'file', 'upload');
  if (handle.kind === 'upload') {
    if (handle.failure !== undefined) throw handle.failure;
    await handle.upload.sync();
  }
  return ok(request.id);
}
