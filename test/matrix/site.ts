import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finished, Running, run } from '../support/processes.ts';
import {
  BUCKET,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  startService,
} from '../support/service.ts';
import { PASSWORD, USERNAME } from '../support/workspace.ts';
import type { Account, Client, Driver, Invocation } from './client.ts';
import { createGate, type Gate } from './gate.ts';

const HOST = '127.0.0.1';

/** A service behind a gate, and what clients need to use it. */
export interface Site {
  readonly around: Surroundings;
  readonly service: Service;
  readonly gate: Gate;
  /** A path in the clients' folder. */
  local(name: string): string;
  /** What S3 has under a client's path. */
  stored(path: string): Buffer | undefined;
  seed(path: string, bytes: Buffer): void;
  /** A client with a folder and an account of its own. */
  client(driver: Driver): Promise<Client>;
  /** As the leader of a process group: `killGroup` ends all of it. */
  start(invocation: Invocation): Running;
  /** To its end. */
  run(invocation: Invocation): Promise<Finished>;
  close(): Promise<void>;
}

/** Nothing of the user's own configuration, and names in UTF-8. */
const CLEAN = { LC_ALL: 'C.UTF-8', TERM: 'dumb' };

export async function openSite(): Promise<Site> {
  const around = await createSurroundings();
  const service = await startService(around.env);
  const gate = await createGate(service.port);
  const { workspace } = around;
  const home = workspace.path('home');
  await mkdir(home);

  const start = ({ command, args, input = '', env = {} }: Invocation) =>
    new Running(command, args, { env: { HOME: home, ...CLEAN, ...env }, input, ownGroup: true });
  const account = await createAccount(around, gate.port);
  return {
    around,
    service,
    gate,
    local: workspace.path,
    stored: (path) => around.s3.objects(BUCKET).get(PREFIX + path.slice(1))?.body,
    seed: (path, bytes) => void around.s3.seed(BUCKET, PREFIX + path.slice(1), bytes),
    client: async ({ name, connect }) => {
      const folder = workspace.path(`of ${name}`);
      await mkdir(folder);
      return await connect({ ...account, path: (file) => join(folder, file) });
    },
    start,
    run: (invocation) => start(invocation).exited,
    close: async () => {
      await gate.close();
      await service.stop();
      await around.close();
    },
  };
}

/** As a partner is told it: an address, a user, a password or key, and the server's host keys. */
async function createAccount({ workspace }: Surroundings, port: number): Promise<Account> {
  const knownHosts = workspace.path('known_hosts');
  const passwordFile = workspace.path('password');
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const scanned = await run('ssh-keyscan', ['-p', String(port), HOST]);
  if (scanned.stdout === '') throw new Error(`ssh-keyscan: ${scanned.stderr}`);
  await writeFile(knownHosts, scanned.stdout);
  const printed = await run('ssh-keygen', ['-l', '-f', knownHosts]);
  const fingerprint = /(SHA256:\S+) .*\(ED25519\)/.exec(printed.stdout)?.[1];
  if (fingerprint === undefined) throw new Error(`no Ed25519 host key among ${printed.stdout}`);
  return {
    host: HOST,
    port,
    username: USERNAME,
    password: PASSWORD,
    passwordFile,
    askpass: workspace.path('askpass'),
    identity: workspace.identity,
    knownHosts,
    fingerprint,
    path: workspace.path,
  };
}
