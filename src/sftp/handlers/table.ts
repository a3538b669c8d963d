import { FsError } from '../../contract/errors.ts';
import type { Handler, SessionState } from '../state.ts';
import type { Reply } from '../wire/replies.ts';
import type { Request, RequestKind } from '../wire/requests.ts';
import { copyData } from './copy.ts';
import { mkdir, opendir, readdir, rmdir } from './directories.ts';
import { fsync, limits, statvfs } from './extensions.ts';
import { close, open, read } from './files.ts';
import { fsetstat, fstat, readlink, setstat, stat } from './metadata.ts';
import { expandPath, homeDirectory, realpath, remove, rename } from './names.ts';

const HANDLERS: { readonly [K in RequestKind]: Handler<K> } = {
  open,
  close,
  read,
  lstat: stat,
  stat,
  fstat,
  setstat,
  fsetstat,
  opendir,
  readdir,
  mkdir,
  rmdir,
  remove,
  rename,
  realpath,
  readlink,
  limits,
  statvfs,
  fsync,
  copyData,
  expandPath,
  homeDirectory,
  symlink: () => {
    throw new FsError('ENOTSUP', 'symbolic links');
  },
  unsupported: (_state, request) => {
    throw new FsError('ENOTSUP', request.what);
  },
};

export function handle(state: SessionState, request: Request): Reply | Promise<Reply> {
  const handler = HANDLERS[request.kind] as Handler<RequestKind>;
  return handler(state, request);
}
