import { fileURLToPath } from 'node:url';
import { type Driver, firstMatch, type Invocation, namesOfPaths } from '../client.ts';

/** Debian's own Python, which Debian's paramiko is for, or that which PYTHON names. */
const PYTHON = process.env['PYTHON'] ?? '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('paramiko-command.py', import.meta.url));

export const paramiko: Driver = {
  name: 'paramiko',
  install: 'apt-get install python3-paramiko (or PYTHON=... for another Python that has it)',
  login: 'key',
  notes: '`put` looks at the size afterwards, and finds the whole file. Nothing resumes by itself.',
  version: { command: PYTHON, args: ['-c', 'import paramiko; print(paramiko.__version__)'] },
  readVersion: firstMatch(/^(\d+\.\d\S*)/),
  connect: ({ host, port, username, identity, knownHosts }) => {
    const typed = (...words: readonly string[]): Invocation => ({
      command: PYTHON,
      args: [SCRIPT, host, String(port), username, identity, knownHosts, ...words],
    });
    return {
      upload: (local, remote) => typed('put', local, remote),
      download: (remote, local) => typed('get', remote, local),
      list: (folder) => ({ ...typed('listdir', folder), names: namesOfPaths }),
      rename: (from, to) => typed('rename', from, to),
      remove: (path) => typed('remove', path),
      makeFolder: (path) => typed('mkdir', path),
    };
  },
};
