import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EnvName } from '../../src/config/env-names.ts';
import { startServer } from '../processes.ts';
import { BUCKET, MAIN, type Site } from '../site.ts';
import type { Target } from './target.ts';

/**
 * `off`: spans are made and dropped, the exporter is "none". `exported`: to an OTLP receiver. `disabled`: the
 * SDK is not there at all.
 */
export type Tracing = 'off' | 'exported' | 'disabled';

/** Where the S3 backend lives: in the server's own thread, in a worker thread of it, or in a child process. */
export type BackendHome = 'own' | 'worker' | 'fork';

export interface SluiceOptions {
  readonly tracing?: Tracing;
  readonly home?: BackendHome;
}

const USERNAME = 'bench';

/** As in the image and in `npm start` (docs/adr/0012-garbage-collection.md). */
const NODE_FLAGS = ['--max-semi-space-size=8'];

const S3_PROCESS = fileURLToPath(new URL('./s3-process.mjs', import.meta.url));

const NAMES: Readonly<Record<Tracing, string>> = {
  off: 'sluice',
  exported: 'sluice-traces',
  disabled: 'sluice-no-otel',
};

/** Sluice as it is deployed: `node dist/main.js serve`, with S3 and SQS at the sink. */
export function sluice({ tracing = 'off', home = 'own' }: SluiceOptions = {}): Target {
  const elsewhere = home === 'own' ? {} : { SLUICE_BACKEND: `${home}:${S3_PROCESS}` };
  return {
    name: home === 'own' ? NAMES[tracing] : `${NAMES[tracing]}-${home}`,
    about: `Sluice into the S3 and SQS sink, tracing ${tracing}, backend: ${home}`,
    usesSink: true,
    sendsJobs: true,
    hasFiles: true,
    missing: async () => (existsSync(MAIN) ? undefined : 'it is not built: npm run build'),
    start: async (site, { nodeFlags = [], env = {}, s3Url = site.sink.url, onSpawn } = {}) => {
      const { path: folder, remove } = await site.cleanup.folder(site.folder);
      const usersFile = join(folder, 'users.json');
      const user = { username: USERNAME, publicKeys: [site.clientKey.publicKey] };
      await writeFile(usersFile, JSON.stringify({ users: [user] }));
      const server = await startServer(
        {
          command: process.execPath,
          args: [...NODE_FLAGS, ...nodeFlags, MAIN, 'serve'],
          env: { ...environment(site, usersFile, s3Url), ...telemetry(tracing, site), ...elsewhere, ...env },
          ready: listeningPort,
          onSpawn,
        },
        site.cleanup,
      );
      const stop = async () => {
        await server.stop();
        await remove();
      };
      return { pid: server.pid, port: server.ready, username: USERNAME, remotePath: (name) => name, stop };
    },
  };
}

function environment(site: Site, usersFile: string, s3Url: string): NodeJS.ProcessEnv {
  const { url } = site.sink;
  const own: Partial<Record<EnvName, string>> = {
    SLUICE_HOST: '127.0.0.1',
    SLUICE_PORT: '0',
    SLUICE_HEALTH_PORT: '0',
    SLUICE_HOST_KEYS_DIR: site.hostKey.folder,
    SLUICE_USERS_FILE: usersFile,
    SLUICE_BUCKET: BUCKET,
    SLUICE_QUEUE_URL: `${url}/000000000000/jobs`,
    SLUICE_DRAIN_SECONDS: '1',
  };
  return {
    PATH: process.env['PATH'],
    HOME: site.folder,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_ENDPOINT_URL_S3: s3Url,
    AWS_ENDPOINT_URL_SQS: url,
    ...own,
  };
}

function telemetry(tracing: Tracing, site: Site): NodeJS.ProcessEnv {
  if (tracing === 'disabled') return { OTEL_SDK_DISABLED: 'true' };
  return {
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    ...(tracing === 'off'
      ? { OTEL_TRACES_EXPORTER: 'none' }
      : {
          OTEL_TRACES_EXPORTER: 'otlp',
          OTEL_EXPORTER_OTLP_ENDPOINT: site.sink.url,
          // Often enough that exporting falls into the run and is measured, not after it.
          OTEL_BSP_SCHEDULE_DELAY: '1000',
        }),
  };
}

function listeningPort(line: string): number | undefined {
  if (!line.includes('"listening"')) return undefined;
  return (JSON.parse(line) as { port: number }).port;
}
