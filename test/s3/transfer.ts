import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { type Service, sftp } from '../support/service.ts';
import type { Workspace } from '../support/workspace.ts';
import type { Wire } from './wire.ts';

/** A running service, the real `sftp`, a folder of local files, and S3's own view of what arrived. */
export class Transfer {
  readonly wire: Wire;
  readonly #service: Service;
  readonly #workspace: Workspace;

  constructor(wire: Wire, service: Service, workspace: Workspace) {
    this.wire = wire;
    this.#service = service;
    this.#workspace = workspace;
  }

  /** Runs sftp commands that must all succeed; what it printed. */
  async session(...commands: string[]): Promise<string> {
    const { code, stdout, stderr } = await sftp(this.#service, this.#workspace, commands);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  /** Runs an sftp command that must fail; what it said. */
  async refusal(command: string): Promise<string> {
    const { code, stderr } = await sftp(this.#service, this.#workspace, [command]);
    expect(code).toBe(1);
    return stderr;
  }

  local(name: string): string {
    return join(this.#workspace.path('files'), name);
  }

  async write(name: string, content: number | Buffer): Promise<Buffer> {
    const bytes = typeof content === 'number' ? randomBytes(content) : content;
    await mkdir(dirname(this.local(name)), { recursive: true });
    await writeFile(this.local(name), bytes);
    return bytes;
  }

  /** That a local file and an object hold these bytes and no others. */
  async expectLocal(name: string, bytes: Buffer): Promise<void> {
    expect((await readFile(this.local(name))).equals(bytes)).toBe(true);
  }

  async expectStored(name: string, bytes: Buffer): Promise<void> {
    expect((await this.wire.get(name)).equals(bytes)).toBe(true);
  }

  /** The keys below a name, in order. */
  async stored(name: string): Promise<string[]> {
    return (await this.wire.names()).filter((key) => key.startsWith(name));
  }
}
