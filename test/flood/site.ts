import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import ssh2, { type ConnectConfig } from 'ssh2';
import { residentBytes, ticksPerSecond, treeTicks } from '../../bench/measure/proc.ts';
import {
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';
import { PASSWORD, USERNAME } from '../support/workspace.ts';

const MIB = 1024 ** 2;

/** A client that does what a partner does waits no longer than this, in milliseconds. */
export const PATIENCE_MS = 1000;

/** An address of this machine, a client of its own. */
export const address = (number: number) => `127.0.${2 + Math.floor(number / 250)}.${1 + (number % 250)}`;

/** The built server as a process of its own, which exempts nobody from penalties, and a partner that knows how to log in. */
export class Site {
  readonly #around: Surroundings;
  readonly #service: Service;

  private constructor(around: Surroundings, service: Service) {
    this.#around = around;
    this.#service = service;
  }

  static async open(): Promise<Site> {
    const around = await createSurroundings();
    return new Site(around, await startService({ ...around.env, SLUICE_PENALTY_EXEMPT: 'none' }));
  }

  get port(): number {
    return this.#service.port;
  }

  get #pid(): number {
    return this.#service.running.child.pid as number;
  }

  /** Of the server, in MiB. */
  async rssMib(): Promise<number> {
    return Math.round(((await residentBytes(this.#pid)) ?? 0) / MIB);
  }

  /** Of the server since it began, in seconds. */
  async cpuSeconds(): Promise<number> {
    return (await treeTicks(this.#pid)) / (await ticksPerSecond());
  }

  logged(message: string): Record<string, unknown>[] {
    return this.#service.logged(message);
  }

  /** Milliseconds from the connection to the login of a partner with a key; with a password instead where that is asked for. */
  async login(by: 'key' | 'password' = 'key'): Promise<number> {
    const proof: ConnectConfig =
      by === 'key' ? { privateKey: await readFile(this.#around.workspace.identity) } : { password: PASSWORD };
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const client = new ssh2.Client();
      client.once('error', reject).once('ready', () => {
        client.end();
        resolve();
      });
      client.connect({
        host: '127.0.0.1',
        port: this.port,
        username: USERNAME,
        readyTimeout: 60_000,
        ...proof,
      });
    });
    return performance.now() - startedAt;
  }

  /** MiB per second of a file that the real `sftp` uploads. */
  async uploadRate(mib: number): Promise<number> {
    const file = this.#around.workspace.path('file.bin');
    await writeFile(file, randomBytes(mib * MIB));
    const startedAt = performance.now();
    const { code, stderr } = await sftp(this.#service, this.#around.workspace, [`put ${file} /in.bin`]);
    if (code !== 0) throw new Error(`the upload failed: ${stderr}`);
    return mib / ((performance.now() - startedAt) / 1000);
  }

  /** A TCP connection from one of the many addresses. */
  connect(number: number) {
    return connect({ host: '127.0.0.1', port: this.port, localAddress: address(number) }).on(
      'error',
      () => undefined,
    );
  }

  async close(): Promise<void> {
    await this.#service.stop();
    await this.#around.close();
  }
}
