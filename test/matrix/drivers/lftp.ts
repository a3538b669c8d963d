import { type Driver, firstMatch, type Invocation, namesOfPaths, quoted } from '../client.ts';

export const lftp: Driver = {
  name: 'lftp',
  install: 'apt-get install lftp',
  login: 'password',
  notes: 'Host keys and keys are OpenSSH’s affair: `set sftp:connect-program "ssh -a -x -i KEY"`.',
  version: { command: 'lftp', args: ['--version'] },
  readVersion: firstMatch(/Version ([\d.]+)/),
  connect: (account) => {
    const ssh = `ssh -a -x -F none -o UserKnownHostsFile=${account.knownHosts} -o StrictHostKeyChecking=yes -o PubkeyAuthentication=no`;
    const settings = [
      `set sftp:connect-program ${quoted(ssh)}`,
      'set cmd:fail-exit yes',
      'set net:max-retries 1',
      `open -u ${quoted(`${account.username},${account.password}`)} sftp://${account.host}:${account.port}`,
    ];
    const typed = (...words: readonly string[]): Invocation => ({
      command: 'lftp',
      args: ['--norc'],
      input: `${[...settings, words.join(' ')].join('\n')}\n`,
    });
    return {
      upload: (local, remote) => typed('put', quoted(local), '-o', quoted(remote)),
      download: (remote, local) => typed('get', quoted(remote), '-o', quoted(local)),
      list: (folder) => ({ ...typed('cls', '-1', quoted(`${folder}/`)), names: namesOfPaths }),
      rename: (from, to) => typed('mv', quoted(from), quoted(to)),
      remove: (path) => typed('rm', quoted(path)),
      makeFolder: (path) => typed('mkdir', quoted(path)),
      resumeUpload: (local, remote) => typed('put', '-c', quoted(local), '-o', quoted(remote)),
      resumeDownload: (remote, local) => typed('get', '-c', quoted(remote), '-o', quoted(local)),
    };
  },
};
