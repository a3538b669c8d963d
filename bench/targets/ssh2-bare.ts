import { fileURLToPath } from 'node:url';
import { startServer } from '../processes.ts';
import type { Target } from './target.ts';

const SERVER = fileURLToPath(new URL('./ssh2-bare/server.ts', import.meta.url));

/** What Node and ssh2 could do at best: see the server itself. */
export const ssh2Bare: Target = {
  name: 'ssh2-bare',
  about: 'a bare ssh2 server that acknowledges writes and discards them: the ceiling of Node and ssh2',
  usesSink: false,
  sendsJobs: false,
  hasFiles: false,
  missing: async () => undefined,
  start: async (site, { nodeFlags = [], onSpawn } = {}) => {
    const server = await startServer(
      {
        command: process.execPath,
        args: [...nodeFlags, '--import', 'tsx', SERVER],
        ready: (line) => (/^\d+$/.test(line) ? Number(line) : undefined),
        onSpawn,
      },
      site.cleanup,
    );
    const { pid, ready: port, stop } = server;
    return { pid, port, username: 'bench', remotePath: (name) => name, stop };
  },
};
