import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, startServer } from '../processes.ts';
import { BUCKET, type Site } from '../site.ts';
import type { Target } from './target.ts';

/** How often it is tried whether it listens: it says that it is ready a moment before. */
const TRY_MS = 20;

/** SFTPGo in its portable mode, over the same S3, else as it comes: parts of 5 MiB, two at a time. */
export const sftpgo: Target = {
  name: 'sftpgo',
  about: 'SFTPGo, portable mode, over the same S3',
  usesSink: true,
  sendsJobs: false,
  hasFiles: true,
  missing: async () =>
    (await findProgram('sftpgo')) === undefined
      ? 'sftpgo is not installed: packages of https://github.com/drakkan/sftpgo/releases, or `go build` in a checkout'
      : undefined,
  start: async (site, { env = {}, s3Url = site.sink.url, onSpawn } = {}) => {
    const program = (await findProgram('sftpgo')) as string;
    const username = 'bench';
    const flags = [
      ...['--fs-provider', 's3fs', '--s3-bucket', BUCKET, '--s3-endpoint', s3Url, '--s3-force-path-style'],
      ...['--s3-region', 'us-east-1', '--s3-access-key', 'bench', '--s3-access-secret', 'bench'],
      ...['--sftpd-port', '0', '--username', username, '--public-key', site.clientKey.publicKey],
      ...['--permissions', '*', '--log-file-path', ''],
    ];
    const server = await startServer(
      {
        command: program,
        args: ['portable', ...flags],
        env: { ...environment(site), ...env },
        ready: listeningPort,
        onSpawn,
      },
      site.cleanup,
    );
    const { ready: port, pid, stop } = server;
    while (!(await listens(port))) await delay(TRY_MS);
    return { pid, port, username, remotePath: (name) => name, stop };
  },
};

function environment({ folder, hostKey }: Site): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: folder, SFTPGO_SFTPD__HOST_KEYS: hostKey.privateFile };
}

function listeningPort(line: string): number | undefined {
  const port = /SFTP port: (\d+)/.exec(line)?.[1];
  return port === undefined ? undefined : Number(port);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
