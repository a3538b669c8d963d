import { run } from '../../support/processes.ts';
import { type Account, type Driver, firstMatch, type Invocation, namesOfLongLines } from '../client.ts';

const install = 'apt-get install putty-tools';
const readVersion = firstMatch(/Release ([\d.]+)/);

/** PuTTY has no file of known hosts that one could give it: the key's fingerprint is in the command. */
const connection = ({ port, fingerprint }: Account) => [
  '-batch',
  '-P',
  String(port),
  '-hostkey',
  fingerprint,
];

/** `-b` takes a file, and standard input is one when it is a pipe; Node's is a socket. */
const TYPED = 'printf "%s\\n" "$0" | psftp -b /dev/stdin "$@"';

/** Two double quotes are one, between double quotes; there are no backslashes. */
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

export const psftp: Driver = {
  name: 'psftp',
  install,
  login: 'password',
  notes:
    'In scripts: `-batch -b FILE -hostkey SHA256:... -pwfile FILE`. `reput` asks for a file that is there; where none is, `put`.',
  version: { command: 'psftp', args: ['-V'] },
  readVersion,
  connect: (account) => {
    const typed = (...words: readonly string[]): Invocation => ({
      command: 'sh',
      args: [
        ...['-c', TYPED, words.join(' ')],
        ...connection(account),
        ...['-pwfile', account.passwordFile, `${account.username}@${account.host}`],
      ],
    });
    return {
      upload: (local, remote) => typed('put', quoted(local), quoted(remote)),
      download: (remote, local) => typed('get', quoted(remote), quoted(local)),
      list: (folder) => ({ ...typed('ls', quoted(folder)), names: namesOfLongLines }),
      rename: (from, to) => typed('mv', quoted(from), quoted(to)),
      remove: (path) => typed('rm', quoted(path)),
      makeFolder: (path) => typed('mkdir', quoted(path)),
      resumeUpload: (local, remote) => typed('reput', quoted(local), quoted(remote)),
      resumeDownload: (remote, local) => typed('reget', quoted(remote), quoted(local)),
    };
  },
};

export const pscp: Driver = {
  name: 'pscp',
  install,
  login: 'key',
  notes:
    'Its key is in PuTTY’s format (`puttygen KEY -O private -o KEY.ppk`). It speaks SFTP by itself; `-scp` is refused and told so.',
  version: { command: 'pscp', args: ['-V'] },
  readVersion,
  connect: async (account) => {
    const key = account.path('key.ppk');
    const made = await run('puttygen', [account.identity, '-O', 'private', '-o', key]);
    if (made.code !== 0) throw new Error(`puttygen: ${made.stderr}`);
    const remote = (path: string) => `${account.username}@${account.host}:${path}`;
    const typed = (...words: readonly string[]): Invocation => ({
      command: 'pscp',
      args: [...connection(account), '-i', key, ...words],
    });
    return {
      upload: (local, path) => typed(local, remote(path)),
      download: (path, local) => typed(remote(path), local),
      list: (folder) => ({ ...typed('-ls', remote(folder)), names: namesOfLongLines }),
    };
  },
};
