import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { findProgram, freePort, startServer } from '../processes.ts';
import type { Site } from '../site.ts';
import type { Target } from './target.ts';

/** Where sshd run by root insists on a folder to confine its network process to. */
const PRIVILEGE_SEPARATION_FOLDER = '/run/sshd';

/** OpenSSH's own server and its built-in SFTP server, as the user who runs the bench, writing to /dev/null or to a folder. */
export const sshd: Target = {
  name: 'sshd',
  about: 'OpenSSH sshd with internal-sftp, writing to /dev/null, or serving a folder',
  usesSink: false,
  sendsJobs: false,
  hasFiles: true,
  missing: async () =>
    (await findProgram('sshd')) === undefined
      ? 'sshd is not installed: apt-get install openssh-server, or dnf install openssh-server'
      : undefined,
  start: async (site, { folder: files, onSpawn } = {}) => {
    const program = (await findProgram('sshd')) as string;
    const { path: folder, remove } = await site.cleanup.folder(site.folder);
    const port = await freePort();
    const configFile = join(folder, 'sshd_config');
    await writeFile(configFile, configuration(site, port));
    const leave = makeSeparationFolder(site);
    const server = await startServer(
      {
        command: program,
        args: ['-D', '-e', '-f', configFile],
        ready: (line) => (line.includes('Server listening') ? true : undefined),
        onSpawn,
      },
      site.cleanup,
    );
    const stop = async () => {
      await server.stop();
      await leave();
      await remove();
    };
    const { username } = userInfo();
    const remotePath = (name: string) => (files === undefined ? '/dev/null' : join(files, name));
    return { pid: server.pid, port, username, remotePath, stop };
  },
};

function configuration(site: Site, port: number): string {
  return `${[
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${site.hostKey.privateFile}`,
    `AuthorizedKeysFile ${site.clientKey.publicFile}`,
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'PermitRootLogin prohibit-password',
    'PidFile none',
    // As it comes it turns away some of ten who log in at once.
    'MaxStartups 1000',
    'Subsystem sftp internal-sftp',
  ].join('\n')}\n`;
}

function makeSeparationFolder(site: Site): () => Promise<void> {
  if (process.getuid?.() !== 0 || existsSync(PRIVILEGE_SEPARATION_FOLDER)) return async () => undefined;
  mkdirSync(PRIVILEGE_SEPARATION_FOLDER, { mode: 0o755 });
  return site.cleanup.add(() => rmdirSync(PRIVILEGE_SEPARATION_FOLDER));
}
