import { join } from 'node:path';
import { findProgram, startServer } from '../processes.ts';
import { BUCKET, type Site } from '../site.ts';
import type { Target } from './target.ts';

/**
 * `rclone serve sftp` over the same S3. As it comes it asks S3 for the metadata of every object, where rclone itself keeps
 * the modification time; with `serverModtime` it takes the date of the listing, as Sluice does.
 */
export function rclone({ serverModtime = false }: { readonly serverModtime?: boolean } = {}): Target {
  return {
    name: serverModtime ? 'rclone-server-modtime' : 'rclone',
    about: `rclone serve sftp${serverModtime ? ' --use-server-modtime' : ''}, no VFS cache of files`,
    usesSink: true,
    sendsJobs: false,
    hasFiles: true,
    missing: async () =>
      (await findProgram('rclone')) === undefined
        ? 'rclone is not installed: apt-get install rclone, or dnf install rclone'
        : undefined,
    start: async (site, { env = {}, s3Url = site.sink.url, onSpawn } = {}) => {
      const program = (await findProgram('rclone')) as string;
      const { path: folder, remove } = await site.cleanup.folder(site.folder);
      const flags = [
        ...['--addr', '127.0.0.1:0'],
        ...['--authorized-keys', site.clientKey.publicFile],
        ...['--key', site.hostKey.privateFile],
        ...['--vfs-cache-mode', 'off'],
      ];
      const server = await startServer(
        {
          command: program,
          args: ['serve', 'sftp', `:s3:${BUCKET}`, ...flags],
          env: { ...environment(site, folder, s3Url, serverModtime), ...env },
          ready: listeningPort,
          onSpawn,
        },
        site.cleanup,
      );
      const stop = async () => {
        await server.stop();
        await remove();
      };
      return { pid: server.pid, port: server.ready, username: 'bench', remotePath: (name) => name, stop };
    },
  };
}

function environment(site: Site, folder: string, s3Url: string, serverModtime: boolean): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: site.folder,
    RCLONE_CONFIG: join(folder, 'rclone.conf'),
    RCLONE_CACHE_DIR: join(folder, 'cache'),
    RCLONE_S3_PROVIDER: 'Other',
    RCLONE_S3_ENDPOINT: s3Url,
    RCLONE_S3_REGION: 'us-east-1',
    RCLONE_S3_ACCESS_KEY_ID: 'bench',
    RCLONE_S3_SECRET_ACCESS_KEY: 'bench',
    RCLONE_S3_FORCE_PATH_STYLE: 'true',
    // Left alone it uses the older ListObjects with providers that it does not know.
    RCLONE_S3_LIST_VERSION: '2',
    RCLONE_USE_SERVER_MODTIME: String(serverModtime),
  };
}

function listeningPort(line: string): number | undefined {
  const port = /SFTP server listening on \S+:(\d+)/.exec(line)?.[1];
  return port === undefined ? undefined : Number(port);
}
