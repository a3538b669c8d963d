import { FsError } from '../../contract/errors.ts';
import type { RequestOf, SessionState } from '../state.ts';
import { pathReply } from '../wire/replies.ts';
import { ok } from './ok.ts';
import { homeOf, resolvePath } from './resolve-path.ts';

export async function remove(state: SessionState, request: RequestOf<'remove'>): Promise<Buffer> {
  const path = resolvePath(state, request.path);
  await state.observer.request('remove', path, () => state.backend.delete(state.context, path));
  return ok(request.id);
}

/** RENAME and posix-rename@openssh.com alike replace an existing file: half the clients send only the former. */
export async function rename(state: SessionState, request: RequestOf<'rename'>): Promise<Buffer> {
  const from = resolvePath(state, request.from);
  const to = resolvePath(state, request.to);
  const run = () => state.backend.rename(state.context, from, to);
  await state.observer.request('rename', from, run, to);
  return ok(request.id);
}

/** Like OpenSSH's server, answers for paths that do not exist too: clients ask before they create. */
export function realpath(state: SessionState, request: RequestOf<'realpath'>): Buffer {
  return pathReply(request.id, resolvePath(state, request.path));
}

/** expand-path@openssh.com (OpenSSH PROTOCOL, section 4.9): a leading `~` or `~user`, then as REALPATH. */
export function expandPath(state: SessionState, request: RequestOf<'expandPath'>): Buffer {
  const tilde = /^~([^/]*)(.*)$/s.exec(request.path);
  const path = tilde ? `${home(state, tilde[1] ?? '')}${tilde[2] ?? ''}` : request.path;
  return pathReply(request.id, resolvePath(state, path));
}

/** home-directory (draft-ietf-secsh-filexfer-extensions-00, section 5): only one's own is told. */
export function homeDirectory(state: SessionState, request: RequestOf<'homeDirectory'>): Buffer {
  return pathReply(request.id, home(state, request.username));
}

function home(state: SessionState, username: string): string {
  if (username === '' || username === state.context.principal.username) return homeOf(state);
  throw new FsError('ENOENT', 'no such user');
}
