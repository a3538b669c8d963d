import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type Driver, firstMatch, type Invocation, namesOfPaths, quoted } from '../client.ts';

export const curl: Driver = {
  name: 'curl',
  install: 'apt-get install curl',
  login: 'password',
  notes:
    '`~/.ssh/known_hosts` must have the server’s Ed25519 or ECDSA key before (or instead of) its RSA key: with libssh2 before 1.11, `curl` knows RSA with SHA-1 alone, which is refused.',
  version: { command: 'curl', args: ['--version'] },
  // Not every build speaks SFTP.
  readVersion: (output) =>
    /\bsftp\b/.test(output) ? firstMatch(/^curl (\S+).*\s(libssh\S*)/m)(output) : undefined,
  connect: async (account) => {
    const home = account.path('home');
    await mkdir(`${home}/.ssh`, { recursive: true });
    const known = (await readFile(account.knownHosts, 'utf8')).split('\n');
    const ed25519 = known.filter((line) => line.includes(' ssh-ed25519 '));
    await writeFile(`${home}/.ssh/known_hosts`, `${ed25519.join('\n')}\n`);

    const url = (path: string) =>
      `sftp://${account.host}:${account.port}${path.split('/').map(encodeURIComponent).join('/')}`;
    const typed = (...words: readonly string[]): Invocation => ({
      command: 'curl',
      args: ['--disable', '--silent', '--show-error', '--globoff', '--config', '-', ...words],
      // Not in the arguments, which every user of the machine can see.
      input: `user = ${quoted(`${account.username}:${account.password}`)}\n`,
      env: { HOME: home },
    });
    const command = (...words: readonly string[]) => typed('--head', '--quote', words.join(' '), url('/'));
    return {
      upload: (local, remote) => typed('--upload-file', local, url(remote)),
      download: (remote, local) => typed('--output', local, url(remote)),
      list: (folder) => ({ ...typed('--list-only', url(`${folder}/`)), names: namesOfPaths }),
      rename: (from, to) => command('rename', quoted(from), quoted(to)),
      remove: (path) => command('rm', quoted(path)),
      makeFolder: (path) => command('mkdir', quoted(path)),
      resumeUpload: (local, remote) => typed('--continue-at', '-', '--upload-file', local, url(remote)),
      resumeDownload: (remote, local) => typed('--continue-at', '-', '--output', local, url(remote)),
    };
  },
};
