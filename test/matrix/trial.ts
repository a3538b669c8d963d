import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { DIRECTORY_MARKER } from '../../src/backends/s3/keys.ts';
import { BUCKET, sftp } from '../support/service.ts';
import type { Client, Driver, Invocation } from './client.ts';
import type { Direction } from './gate.ts';
import type { Site } from './site.ts';

const MiB = 1024 * 1024;
export const LARGE = 20 * MiB;
/** Where a transfer of a large file is cut off: two parts of an upload are complete then. */
const CUT = 12 * MiB;
/** What passes besides the bytes of a file, at most: SSH's own, and a listing or two. */
const OVERHEAD = MiB;

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

export interface LocalFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** One client at one site: runs it, and looks at S3 and the jobs for what has become of it. */
export class Trial {
  readonly client: Client;
  /** The client's folder on the server; it is there. */
  readonly folder: string;
  readonly #site: Site;
  readonly #closesLater: boolean;
  readonly #delivered: { readonly path: string; readonly size: number }[] = [];
  #files = 0;

  constructor(site: Site, { name, closesLater = false }: Driver, client: Client) {
    this.client = client;
    this.folder = `/${name}`;
    this.#site = site;
    this.#closesLater = closesLater;
    this.seed(DIRECTORY_MARKER, Buffer.alloc(0));
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** Puts a file on the server without any client. */
  seed(name: string, bytes: Buffer): string {
    this.#site.seed(this.path(name), bytes);
    return this.path(name);
  }

  stored(path: string): Buffer | undefined {
    return this.#site.stored(path);
  }

  /** A path of a local file that is not there yet. */
  newPath(): string {
    this.#files += 1;
    return this.#site.local(`${this.folder.slice(1)} ${this.#files}`);
  }

  async localFile(size: number): Promise<LocalFile> {
    const file = { path: this.newPath(), bytes: randomBytes(size) };
    await writeFile(file.path, file.bytes);
    return file;
  }

  /** Runs what must succeed; returns what it printed. */
  async succeed(invocation: Invocation): Promise<string> {
    const { code, stdout, stderr } = await this.#site.run(invocation);
    if (code !== 0) throw new Error(`it failed with ${code}:\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Bytes that passed in this direction meanwhile. */
  async counted(direction: Direction, work: () => Promise<unknown>): Promise<number> {
    const before = this.#site.gate.passed(direction);
    await work();
    return this.#site.gate.passed(direction) - before;
  }

  /** Starts a transfer, and when a good half of it has passed kills the client and cuts its connections. */
  async cutOff(direction: Direction, invocation: Invocation): Promise<void> {
    const { gate } = this.#site;
    const held = gate.hold(direction, CUT);
    const client = this.#site.start(invocation);
    const ended = client.exited.then(({ code, stderr }) => {
      throw new Error(`it ended with ${code} before it was cut off: ${stderr}`);
    });
    try {
      await Promise.race([held, ended]);
      client.killGroup('SIGKILL');
    } finally {
      gate.cut();
    }
    await client.exited;
    await ended.catch(() => undefined);
  }

  /** The same for an upload; resolves when the server has given it up. */
  async cutOffUpload(local: string, path: string): Promise<void> {
    const before = this.#aborted(path);
    await this.cutOff('up', this.client.upload(local, path));
    await this.#site.service.log(() => this.#aborted(path) > before);
    expect(this.#site.around.s3.openUploads(BUCKET)).toEqual([]);
  }

  #aborted(path: string): number {
    return this.#site.service.logged('upload aborted').filter((record) => record['path'] === path).length;
  }

  /** The file is there, byte for byte, and is to have a job: in this moment, unless the client closes files later. */
  async expectDelivered(path: string, { bytes }: LocalFile): Promise<void> {
    if (this.#closesLater) await this.#site.around.job(path);
    const stored = this.stored(path);
    expect({ size: stored?.length, sum: stored && sha256(stored) }).toEqual({
      size: bytes.length,
      sum: sha256(bytes),
    });
    this.#delivered.push({ path, size: bytes.length });
  }

  /** Every delivered file of this client has one job, and there is no other. */
  async expectJobs(): Promise<void> {
    const { around, service, local } = this.#site;
    const marker = `/marker${this.folder}`;
    await writeFile(local('marker'), 'x');
    const put = await sftp(service, around.workspace, [`put "${local('marker')}" "${marker}"`]);
    expect(put).toMatchObject({ code: 0 });
    await around.job(marker);
    const inFolder = ({ path }: { readonly path: string }) => path.startsWith(`${this.folder}/`);
    const jobs = around.jobs.map(({ data }) => data).filter(inFolder);
    expect(jobs.map(({ path, size }) => ({ path, size }))).toEqual(this.#delivered);
  }

  /** A file of the server and a local one are the same. */
  async expectSame(local: string, bytes: Buffer): Promise<void> {
    const got = await readFile(local);
    expect({ size: got.length, sum: sha256(got) }).toEqual({ size: bytes.length, sum: sha256(bytes) });
  }

  /** A large upload that is cut off and then resumed by the client's own means: what it makes of it. */
  async resumeCutOffUpload(resume: (local: string, path: string) => Invocation): Promise<string> {
    const file = await this.localFile(LARGE);
    const path = this.path('cut, then resumed');
    await this.cutOffUpload(file.path, path);
    const { code } = await this.#site.run(resume(file.path, path));
    if (code === 0) {
      await this.expectDelivered(path, file);
      return 'starts anew';
    }
    expect(this.stored(path)).toBeUndefined();
    await this.succeed(this.client.upload(file.path, path));
    await this.expectDelivered(path, file);
    return 'refused, upload again';
  }

  /** Three quarters of a file are there: the rest alone is sent. */
  async resumeShorterFile(resume: (local: string, path: string) => Invocation): Promise<undefined> {
    const file = await this.localFile(LARGE);
    const begun = (LARGE / 4) * 3;
    const path = this.seed('shorter', file.bytes.subarray(0, begun));
    const sent = await this.counted('up', () => this.succeed(resume(file.path, path)));
    await this.expectDelivered(path, file);
    expect(sent).toBeLessThan(LARGE - begun + OVERHEAD);
  }

  /** A download that is cut off and resumed: what is there locally is not fetched again. */
  async resumeDownload(resume: (path: string, local: string) => Invocation): Promise<undefined> {
    const bytes = randomBytes(LARGE);
    const path = this.seed('to be resumed', bytes);
    const local = this.newPath();
    await this.cutOff('down', this.client.download(path, local));
    const { size } = await stat(local);
    expect(size).toBeGreaterThan(0);
    const received = await this.counted('down', () => this.succeed(resume(path, local)));
    await this.expectSame(local, bytes);
    expect(received).toBeLessThan(LARGE - size + OVERHEAD);
  }
}
