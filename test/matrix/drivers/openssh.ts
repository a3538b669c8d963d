import { type Account, type Driver, firstMatch, type Invocation, namesOfPaths, quoted } from '../client.ts';

/** The real host keys and nothing of the user's own configuration. */
function options({ knownHosts }: Account, more: Readonly<Record<string, string>>): string[] {
  const all = {
    UserKnownHostsFile: knownHosts,
    StrictHostKeyChecking: 'yes',
    LogLevel: 'ERROR',
    ...more,
  };
  return ['-F', 'none', ...Object.entries(all).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

const version: Invocation = { command: 'ssh', args: ['-V'] };
const readVersion = firstMatch(/^OpenSSH_([^\s,]+)/m);
const install = 'apt-get install openssh-client';

export const opensshSftp: Driver = {
  name: 'OpenSSH sftp',
  install,
  login: 'key',
  notes:
    'Ctrl-C ends an upload with a clean CLOSE: the short file is delivered, with its job; `put -a` or `reput` then goes on with it.',
  version,
  readVersion,
  connect: (account) => {
    const args = [
      ...options(account, { IdentityFile: account.identity, IdentitiesOnly: 'yes', BatchMode: 'yes' }),
      ...['-P', String(account.port), '-b', '-', `${account.username}@${account.host}`],
    ];
    const typed = (...words: readonly string[]): Invocation => ({
      command: 'sftp',
      args,
      input: `${words.join(' ')}\n`,
    });
    return {
      upload: (local, remote) => typed('put', quoted(local), quoted(remote)),
      download: (remote, local) => typed('get', quoted(remote), quoted(local)),
      list: (folder) => ({
        ...typed('ls', '-1', quoted(folder)),
        names: (stdout) => namesOfPaths(stdout.replace(/^sftp> .*\n/gm, '')),
      }),
      rename: (from, to) => typed('rename', quoted(from), quoted(to)),
      remove: (path) => typed('rm', quoted(path)),
      makeFolder: (path) => typed('mkdir', quoted(path)),
      resumeUpload: (local, remote) => typed('reput', quoted(local), quoted(remote)),
      resumeDownload: (remote, local) => typed('reget', quoted(remote), quoted(local)),
    };
  },
};

export const opensshScp: Driver = {
  name: 'OpenSSH scp',
  install,
  login: 'password',
  notes:
    'Since OpenSSH 9 it speaks SFTP; from 8.7 on `-s` makes it do so. The legacy protocol (`-O`) is refused and told so.',
  version,
  readVersion,
  connect: (account) => {
    const remote = (path: string) => `${account.username}@${account.host}:${path}`;
    const copy = (from: string, to: string): Invocation => ({
      command: 'scp',
      args: [
        ...options(account, { PubkeyAuthentication: 'no', NumberOfPasswordPrompts: '1' }),
        ...['-P', String(account.port), from, to],
      ],
      env: { SSH_ASKPASS: account.askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: 'none' },
    });
    return {
      upload: (local, path) => copy(local, remote(path)),
      download: (path, local) => copy(remote(path), local),
    };
  },
};
