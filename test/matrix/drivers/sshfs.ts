import { mkdir } from 'node:fs/promises';
import { type Driver, firstMatch, type Invocation, namesOfPaths } from '../client.ts';

/** Mounts the server's root at $2 with the options from $3 on, does what $1 says with the rest, and unmounts. */
const MOUNTED = `
set -e
work=$1 mount=$2
shift 2
sshfs "$@" "$mount"
trap 'fusermount3 -u "$mount"' EXIT
eval "$work"
`;

/** What FUSE says where it may not be used: the device is missing, or mounting is not allowed. */
const NO_FUSE = /^(fuse: device not found|(fuse|fusermount3?): .*(not permitted|denied|\/dev\/fuse))/im;

export const sshfs: Driver = {
  name: 'sshfs',
  install: 'apt-get install sshfs fuse3',
  login: 'key',
  notes:
    'A file is closed on the server after `cp` has ended: what is refused at CLOSE is not seen, but in the server’s log. `cp` that is interrupted leaves the short file, as on any file system.',
  closesLater: true,
  version: { command: 'sshfs', args: ['-V'] },
  readVersion: firstMatch(/^SSHFS version ([\d.]+)/m),
  connect: async (account) => {
    const mount = account.path('mount');
    await mkdir(mount, { recursive: true });
    const options = {
      port: String(account.port),
      IdentityFile: account.identity,
      IdentitiesOnly: 'yes',
      UserKnownHostsFile: account.knownHosts,
      StrictHostKeyChecking: 'yes',
      BatchMode: 'yes',
    };
    const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const typed = (work: string, names: Readonly<Record<string, string>>): Invocation => ({
      command: 'sh',
      args: [
        '-c',
        MOUNTED,
        'sshfs',
        work,
        mount,
        '-F',
        'none',
        ...flags,
        `${account.username}@${account.host}:/`,
      ],
      env: names,
    });
    return {
      upload: (local, remote) => typed('cp "$from" "$mount$to"', { from: local, to: remote }),
      download: (remote, local) => typed('cp "$mount$from" "$to"', { from: remote, to: local }),
      list: (folder) => ({ ...typed('ls -1 "$mount$folder"', { folder }), names: namesOfPaths }),
      rename: (from, to) => typed('mv "$mount$from" "$mount$to"', { from, to }),
      remove: (path) => typed('rm "$mount$path"', { path }),
      makeFolder: (path) => typed('mkdir "$mount$path"', { path }),
    };
  },
  unavailable: ({ stderr }) => (NO_FUSE.test(stderr) ? 'FUSE cannot be used on this machine' : undefined),
};
