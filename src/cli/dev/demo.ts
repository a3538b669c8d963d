import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { App } from '../../app.ts';
import { hashPassword } from '../../auth/passwords.ts';
import { type Config, DEFAULT_PORT, loadConfig } from '../../config/load.ts';
import type { Console } from '../../console/server.ts';
import { loadMaterials, type Materials } from '../../materials.ts';
import { generateHostKeys } from '../../ssh/host-keys.ts';
import type { Watch } from '../console.ts';
import { BUCKET, type Emulators } from './emulators.ts';

export const USERNAME = 'demo';
export const PASSWORD = 'demo';

/** Where the console is looked for first; when that is taken, one of the ports that follow will do. */
const CONSOLE = { host: '127.0.0.1', port: 9090 };
const CONSOLE_PORTS = 20;

/** Kept between runs, so that a client meets the same host key again. Delete it to start afresh. */
const STATE_FOLDER = '.sluice';

/** What `sluice dev` runs with: the demo user, host keys of its own, and the emulators. */
export interface Demo {
  readonly config: Config;
  readonly materials: Materials;
  readonly usersFile: string;
  /** Listens on the configured port, or on any free one when that is the default and taken. */
  listen(app: App): Promise<{ readonly port: number; readonly takenPort?: number }>;
  /** Where `SLUICE_CONSOLE` says, or on the first free port from 9090 on. */
  serveConsole(app: App, watch: Watch): Promise<Console>;
  /** Writes the known_hosts file that the printed command names; returns its path. */
  trustHostKey(port: number): Promise<string>;
}

export async function prepareDemo(emulators: Emulators): Promise<Demo> {
  const folder = resolve(STATE_FOLDER);
  const keysFolder = join(folder, 'host-keys');
  const usersFile = join(folder, 'users.json');
  await mkdir(keysFolder, { recursive: true, mode: 0o700 });
  if ((await readdir(keysFolder)).length === 0) await generateHostKeys(keysFolder);
  await writeDemoUser(usersFile);

  const config = withCredentials(
    loadConfig({
      SLUICE_HOST: '127.0.0.1',
      SLUICE_HOST_KEYS_DIR: keysFolder,
      SLUICE_HOST_KEYS_SECRET: '',
      SLUICE_USERS_FILE: usersFile,
      SLUICE_USERS_SECRET: '',
      SLUICE_BACKEND: 's3',
      SLUICE_BUCKET: BUCKET,
      SLUICE_PREFIX: 'session:prefix',
      SLUICE_QUEUE_URL: emulators.queueUrl,
      AWS_ENDPOINT_URL_S3: emulators.aws.endpoint,
      AWS_ENDPOINT_URL_SQS: emulators.aws.endpoint,
      AWS_REGION: emulators.aws.region,
    }),
    emulators,
  );
  const materials = await loadMaterials(config);
  return {
    config,
    materials,
    usersFile,
    listen: async (app) => {
      try {
        return { port: (await app.listen()).port };
      } catch (error) {
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!isTaken || config.port !== DEFAULT_PORT) throw error;
        return { port: (await app.listen(0)).port, takenPort: config.port };
      }
    },
    serveConsole: async (app, watch) => {
      if (config.console !== undefined) return watch.serve(app, config, config.console);
      for (let port = CONSOLE.port; ; port++) {
        try {
          return await watch.serve(app, config, { ...CONSOLE, port });
        } catch (error) {
          const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
          if (!isTaken || port === CONSOLE.port + CONSOLE_PORTS) throw error;
        }
      }
    },
    trustHostKey: async (port) => {
      const file = join(folder, 'known_hosts');
      const lines = materials.hostKeys.map(({ publicLine }) => `[127.0.0.1]:${port} ${publicLine}\n`);
      await writeFile(file, lines.join(''));
      return file;
    },
  };
}

/** Left alone when it is there: whoever tries things out may add users to it. */
async function writeDemoUser(file: string): Promise<void> {
  const user = {
    username: USERNAME,
    passwordHash: await hashPassword(PASSWORD),
    session: { prefix: 'tenants/demo/' },
  };
  await writeFile(file, `${JSON.stringify({ users: [user] }, null, 2)}\n`, { flag: 'wx', mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    },
  );
}

function withCredentials(config: Config, { aws }: Emulators): Config {
  if (config.backend.kind !== 's3' || config.jobs === undefined) return config;
  return { ...config, backend: { ...config.backend, aws }, jobs: { ...config.jobs, aws } };
}
