import { DirectoryReader } from '../directory-reader.ts';
import { READDIR_ENTRIES } from '../limits.ts';
import type { RequestOf, SessionState } from '../state.ts';
import { toLongname } from '../wire/longname.ts';
import { handleReply, nameReply } from '../wire/replies.ts';
import { endOfFile, ok } from './ok.ts';
import { resolvePath } from './resolve-path.ts';

export async function opendir(state: SessionState, request: RequestOf<'opendir'>): Promise<Buffer> {
  state.handles.assertRoom();
  const path = resolvePath(state, request.path);
  const entries = new DirectoryReader(state.backend.listDir(state.context, path));
  await state.observer.request('opendir', path, () => entries.open());
  return handleReply(request.id, state.handles.add({ kind: 'directory', path, entries }));
}

export async function readdir(state: SessionState, request: RequestOf<'readdir'>): Promise<Buffer> {
  const { entries, path } = state.handles.get(request.handle, 'directory');
  const take = () => entries.next(READDIR_ENTRIES);
  const batch = entries.hasReady ? await take() : await state.observer.request('readdir', path, take);
  if (batch.length === 0) return endOfFile(request.id);
  const owner = state.context.principal.username;
  const names = batch.map((entry) => ({
    filename: entry.name,
    longname: toLongname(entry, owner),
    info: entry,
  }));
  return nameReply(request.id, names);
}

/** The attributes a client sends along are not kept: directories have none of their own here. */
export async function mkdir(state: SessionState, request: RequestOf<'mkdir'>): Promise<Buffer> {
  const path = resolvePath(state, request.path);
  await state.observer.request('mkdir', path, () => state.backend.makeDir(state.context, path));
  return ok(request.id);
}

export async function rmdir(state: SessionState, request: RequestOf<'rmdir'>): Promise<Buffer> {
  const path = resolvePath(state, request.path);
  await state.observer.request('rmdir', path, () => state.backend.delDir(state.context, path));
  return ok(request.id);
}
