import {
  close,
  extended,
  Flag,
  fsetstat,
  fstat,
  lstat,
  mkdir,
  open,
  opendir,
  type Reply,
  read,
  readdir,
  readlink,
  realpath,
  remove,
  rename,
  rmdir,
  setstat,
  sizeAttribute,
  stat,
  str,
  symlink,
  UPLOAD,
  u32,
  u64,
  write,
} from '../support/sftp-packets.ts';

/** Sends a request with an id of its own and resolves with its reply. */
export type Ask = (request: (id: number) => Buffer) => Promise<Reply>;

/** What each session has to itself, in a directory of its own. */
export interface Own {
  readonly file: string;
  readonly free: string;
}

/** One way for a path to reach the server. */
export interface Operation {
  readonly name: string;
  readonly run: (ask: Ask, path: Buffer, own: Own) => Promise<unknown>;
}

const CONTENT = 'written by the attacker';
/** Permissions, and times of 1970: a file outside that had these would show it. */
const MODE_AND_TIMES = Buffer.concat([u32(0x0c), u32(0o777), u32(1), u32(1)]);

/** An operation of one request. */
const asks = (name: string, request: (id: number, path: Buffer, own: Own) => Buffer): Operation => ({
  name,
  run: (ask, path, own) => ask((id) => request(id, path, own)),
});

async function opened(ask: Ask, path: string | Uint8Array, flags: number): Promise<string | undefined> {
  const reply = await ask((id) => open(id, path, flags));
  return reply.kind === 'handle' ? reply.handle : undefined;
}

async function closed(ask: Ask, ...handles: readonly (string | undefined)[]): Promise<void> {
  for (const handle of handles) if (handle !== undefined) await ask((id) => close(id, handle));
}

const list: Operation = {
  name: 'opendir, readdir, fstat, fsetstat',
  run: async (ask, path) => {
    const reply = await ask((id) => opendir(id, path));
    if (reply.kind !== 'handle') return;
    const { handle } = reply;
    while ((await ask((id) => readdir(id, handle))).kind === 'name');
    await ask((id) => fstat(id, handle));
    await ask((id) => fsetstat(id, handle, MODE_AND_TIMES));
    await closed(ask, handle);
  },
};

const download: Operation = {
  name: 'open to read, read, fstat',
  run: async (ask, path) => {
    const handle = await opened(ask, path, Flag.READ);
    if (handle === undefined) return;
    await ask((id) => read(id, handle, 0, 10_000));
    await ask((id) => fstat(id, handle));
    await closed(ask, handle);
  },
};

const copy = (id: number, from: string, to: string) =>
  extended(id, 'copy-data', str(from), u64(0), u64(0), str(to), u64(0));

const copyFrom: Operation = {
  name: 'copy-data from it',
  run: async (ask, path, own) => {
    const from = await opened(ask, path, Flag.READ);
    const to = from === undefined ? undefined : await opened(ask, own.free, UPLOAD | Flag.READ);
    if (from !== undefined && to !== undefined) {
      await ask((id) => copy(id, from, to));
      await ask((id) => read(id, to, 0, 10_000));
    }
    await closed(ask, from, to);
  },
};

const copyTo: Operation = {
  name: 'copy-data into it',
  run: async (ask, path, own) => {
    const to = await opened(ask, path, UPLOAD);
    const from = to === undefined ? undefined : await opened(ask, own.file, Flag.READ);
    if (from !== undefined && to !== undefined) await ask((id) => copy(id, from, to));
    await closed(ask, from, to);
  },
};

const FLAGS = Object.entries(Flag);

/** Every combination of flags; what opens for writing is written to, read where that is allowed, given another size, and closed. */
const OPENS: readonly Operation[] = Array.from({ length: 2 ** FLAGS.length }, (_, flags) => ({
  name: `open ${FLAGS.flatMap(([name, flag]) => ((flags & flag) === 0 ? [] : [name])).join(' ') || 'without flags'}`,
  run: async (ask: Ask, path: Buffer) => {
    const handle = await opened(ask, path, flags);
    if (handle === undefined) return;
    if ((flags & Flag.READ) !== 0) await ask((id) => read(id, handle, 0, 10_000));
    if ((flags & Flag.WRITE) !== 0) await ask((id) => write(id, handle, 0, CONTENT));
    await ask((id) => extended(id, 'fsync@openssh.com', str(handle)));
    await ask((id) => fsetstat(id, handle, MODE_AND_TIMES));
    await ask((id) => fstat(id, handle));
    await closed(ask, handle);
  },
}));

/** Those that only look, which may be on their way together. The first asks nothing of a store. */
export const LOOKING: readonly Operation[] = [
  asks('realpath', realpath),
  asks('expand-path', (id, path) => extended(id, 'expand-path@openssh.com', str(path))),
  asks('home-directory', (id, path) => extended(id, 'home-directory', str(path))),
  asks('stat', stat),
  asks('lstat', lstat),
  asks('statvfs', (id, path) => extended(id, 'statvfs@openssh.com', str(path))),
  asks('readlink', readlink),
  list,
  download,
  copyFrom,
];

const exchange = (name: string, ask: (id: number, from: Uint8Array, to: Uint8Array) => Buffer) => [
  asks(`${name} from it`, (id, path, { free }) => ask(id, path, Buffer.from(free))),
  asks(`${name} to it`, (id, path, { file }) => ask(id, Buffer.from(file), path)),
  asks(`${name} to itself`, (id, path) => ask(id, path, path)),
];

const named = (name: string) => (id: number, from: Uint8Array, to: Uint8Array) =>
  extended(id, name, str(from), str(to));

/** Those that change something, in an order in which the later ones find something to do. */
export const CHANGING: readonly Operation[] = [
  ...OPENS,
  copyTo,
  asks('setstat', (id, path) => setstat(id, path, MODE_AND_TIMES)),
  asks('setstat of a size', (id, path) => setstat(id, path, sizeAttribute(3))),
  asks('lsetstat', (id, path) => extended(id, 'lsetstat@openssh.com', str(path), MODE_AND_TIMES)),
  ...exchange('rename', rename),
  ...exchange('posix-rename', named('posix-rename@openssh.com')),
  ...exchange('symlink', symlink),
  ...exchange('hardlink', named('hardlink@openssh.com')),
  asks('remove', remove),
  asks('mkdir', mkdir),
  asks('rmdir', rmdir),
  asks('users-groups-by-id', (id, path) => extended(id, 'users-groups-by-id@openssh.com', str(path))),
];

/** What dice choose from, so that the many flags of OPEN are one thing among others. */
export const KINDS: readonly (readonly Operation[])[] = [
  OPENS,
  ...[...LOOKING, ...CHANGING].filter((each) => !OPENS.includes(each)).map((each) => [each]),
];
