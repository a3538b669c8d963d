import { type Driver, firstMatch, type Invocation, namesOfPaths } from '../client.ts';

export const rclone: Driver = {
  name: 'rclone',
  install: 'apt-get install rclone',
  login: 'key',
  notes:
    '`--sftp-known-hosts-file` needs all of the server’s host keys, not one of them. It asks for a shell and for `md5sum`, is refused, and goes without; `shell_type = none` (from 1.61 on) saves the questions.',
  version: { command: 'rclone', args: ['version'] },
  readVersion: firstMatch(/^rclone v(\S+)/),
  connect: (account) => {
    const options = {
      config: '/dev/null',
      'sftp-host': account.host,
      'sftp-port': String(account.port),
      'sftp-user': account.username,
      'sftp-key-file': account.identity,
      'sftp-known-hosts-file': account.knownHosts,
    };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const remote = (path: string) => `:sftp:${path}`;
    const typed = (...words: readonly string[]): Invocation => ({
      command: 'rclone',
      args: [...flags, ...words],
    });
    return {
      upload: (local, path) => typed('copyto', local, remote(path)),
      download: (path, local) => typed('copyto', remote(path), local),
      list: (folder) => ({ ...typed('lsf', remote(folder)), names: namesOfPaths }),
      rename: (from, to) => typed('moveto', remote(from), remote(to)),
      remove: (path) => typed('deletefile', remote(path)),
      makeFolder: (path) => typed('mkdir', remote(path)),
    };
  },
};
