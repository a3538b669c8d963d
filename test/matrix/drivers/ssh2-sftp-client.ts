import { fileURLToPath } from 'node:url';
import { type Driver, firstMatch, type Invocation, namesOfPaths } from '../client.ts';

const COMMAND = fileURLToPath(new URL('ssh2-sftp-client-command.ts', import.meta.url));

export const ssh2SftpClient: Driver = {
  name: 'ssh2-sftp-client',
  install: 'npm ci',
  login: 'password',
  notes:
    'Give `hostVerifier`: without it any host key will do. `fastPut` and `fastGet` are the quick ones. Nothing resumes by itself.',
  version: { command: process.execPath, args: ['-p', "require('ssh2-sftp-client/package.json').version"] },
  readVersion: firstMatch(/^(\d+\.\S+)/),
  connect: ({ host, port, username, password, fingerprint }) => {
    const typed = (...words: readonly string[]): Invocation => ({
      command: process.execPath,
      args: ['--import', 'tsx', COMMAND, host, String(port), username, fingerprint, ...words],
      input: password,
    });
    return {
      upload: (local, remote) => typed('fastPut', local, remote),
      download: (remote, local) => typed('fastGet', remote, local),
      list: (folder) => ({ ...typed('list', folder), names: namesOfPaths }),
      rename: (from, to) => typed('rename', from, to),
      remove: (path) => typed('delete', path),
      makeFolder: (path) => typed('mkdir', path),
    };
  },
};
