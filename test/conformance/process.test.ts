import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import {
  createProcessBackend,
  type ProcessBackend,
  type ProcessTarget,
} from '../../src/backends/process/index.ts';
import { withBuffering } from '../../src/layers/with-buffering.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { createOwnContext, moduleNamed, startSocketServer } from '../support/process-backend/start.ts';
import { bindConformance } from './bind.ts';

const MODULE = moduleNamed('memory.mjs');
const closing: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** One process for all cases, with a tree for each. What is added is where a file is kept, which a process need not say. */
function bind(
  subject: string,
  find: () => Promise<ProcessTarget> | ProcessTarget,
  createContext = createOwnContext,
): void {
  let started: Promise<ProcessBackend> | undefined;
  const start = async () => {
    const process = await createProcessBackend({ ...(await find()), session: true });
    closing.push(() => process.close());
    return process;
  };
  bindConformance(subject, {
    createSubject: async () => {
      started ??= start();
      return { backend: withBuffering(await started, { maxFileBytes: 0 }), context: createContext() };
    },
  });
}

bind('a memory backend in a worker thread', () => ({ worker: MODULE }));
bind('a memory backend in a forked child', () => ({ fork: MODULE }));
bind('a memory backend behind a Unix socket', async () => {
  const server = await startSocketServer('memory.mjs');
  closing.push(server.close);
  return { socket: server.socket };
});

bind(
  'a folder backend in a worker thread',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'sluice-folder-'));
    closing.push(() => rm(root, { recursive: true }));
    return { worker: moduleNamed('folder.mjs'), workerData: { root } };
  },
  () => createTestContext({ principal: { session: { prefix: `tenants/${randomUUID()}` } } }),
);
