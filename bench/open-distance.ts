import { fileURLToPath } from 'node:url';
import type { Cleanup } from './cleanup.ts';
import { startServer } from './processes.ts';
import type { RunningTarget } from './targets/target.ts';

const DISTANCE = fileURLToPath(new URL('./distance.ts', import.meta.url));

/** The same server at the other end of a long line: its `port` is that of a process of its own, which ends with it. */
export async function openDistance(
  cleanup: Cleanup,
  target: RunningTarget,
  roundTripMs: number,
): Promise<RunningTarget> {
  if (roundTripMs === 0) return target;
  const line = await startServer(
    {
      command: process.execPath,
      args: ['--import', 'tsx', DISTANCE, '--to', String(target.port), '--round-trip', String(roundTripMs)],
      ready: (text) => (text.includes('"listening"') ? (JSON.parse(text) as { port: number }) : undefined),
    },
    cleanup,
  );
  const stop = async () => {
    await line.stop();
    await target.stop();
  };
  return {
    pid: target.pid,
    port: line.ready.port,
    username: target.username,
    remotePath: (name) => target.remotePath(name),
    stop,
  };
}
