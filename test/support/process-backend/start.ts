import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RequestContext } from '../../../src/contract/context.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { Running } from '../processes.ts';

/** Of a file in this folder. */
export function moduleNamed(name: string): URL {
  return new URL(`./${name}`, import.meta.url);
}

/** A process that serves a backend on a Unix socket. */
export interface SocketServer {
  readonly socket: string;
  readonly running: Running;
  /** Kills the process, if it still lives, and starts another in its place. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Runs a module of this folder, which is told where to listen and says `listening`. */
export async function startSocketServer(module: string): Promise<SocketServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const socket = join(folder, 'backend.sock');
  const start = async () => {
    const running = new Running(process.execPath, [fileURLToPath(moduleNamed(module)), socket]);
    await running.line((line) => line === 'listening');
    return running;
  };
  let running = await start();
  const kill = async () => {
    running.kill('SIGKILL');
    await running.exited;
  };
  return {
    socket,
    get running() {
      return running;
    },
    restart: async () => {
      await kill();
      running = await start();
    },
    close: async () => {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

/** A context whose connection nobody else has, and so a tree of its own in `memory.mjs`. */
export function createOwnContext(): RequestContext {
  return createTestContext({ connection: { id: randomUUID() } });
}
