import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, Connection } from './driver/connection.ts';
import { GeneratedContent } from './driver/content.ts';
import { logInAndOut } from './driver/logins.ts';
import type { LoginsOrder, Order, Outcome, Report, Work } from './driver/messages.ts';
import { pauseBefore, startOf } from './driver/pacing.ts';

// Many SFTP clients in one process, so that a thousand of them cost no thousand processes. It is forked by the
// harness, takes its orders and reports over the IPC channel, and ends with it.

/** Logins under way at once. */
const LOGINS_AT_ONCE = 8;

const PROGRESS_MS = 500;

const connections = new Map<string, Connection>();

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  if (order.kind === 'login') void login(order.account, order.names);
  if (order.kind === 'upload') void upload(order);
  if (order.kind === 'log-in-and-out') void comeAndGo(order);
  if (order.kind === 'abandon') for (const one of connections.values()) one.fail(new Error(order.reason));
});

function report(message: Report): void {
  process.send?.(message);
}

async function login(account: Account, names: readonly string[]): Promise<void> {
  const failures: string[] = [];
  const rest = [...names];
  const loginAll = async () => {
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      try {
        connections.set(name, await Connection.login(account));
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, loginAll));
  report({ kind: 'logged-in', failures });
}

async function comeAndGo(order: LoginsOrder): Promise<void> {
  const cpuBefore = process.cpuUsage();
  try {
    const ms = await logInAndOut(order);
    report({ kind: 'left', ms, cpuSeconds: cpuSince(cpuBefore) });
  } catch (error) {
    report({ kind: 'left', ms: [], cpuSeconds: cpuSince(cpuBefore), failure: (error as Error).message });
  }
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function upload(work: Work): Promise<void> {
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  const tellProgress = () => {
    const acknowledgedBytes = [...connections.values()].reduce((sum, one) => sum + one.acknowledgedBytes, 0);
    report({ kind: 'progress', acknowledgedBytes });
  };
  const progress = setInterval(tellProgress, PROGRESS_MS);
  await Promise.all(
    [...connections].map(async ([name, connection], index) => {
      const later = startOf(index, connections.size, work);
      if (later > 0) await sleep(later);
      const outcome = await uploadOne(connection, name, work, start);
      report({ kind: 'outcome', outcome });
    }),
  );
  clearInterval(progress);
  tellProgress();
  report({ kind: 'finished', cpuSeconds: cpuSince(cpuBefore) });
}

async function uploadOne(connection: Connection, name: string, work: Work, start: number): Promise<Outcome> {
  const { size, writeBytes, bytesPerSecond } = work;
  const content = new GeneratedContent(name);
  const begun = performance.now();
  const ended = () => ({ name, crc32: content.crc32, seconds: (performance.now() - start) / 1000 });
  try {
    const handle = await connection.open(name);
    for (let offset = 0; offset < size; offset += writeBytes) {
      const pause = pauseBefore(offset, bytesPerSecond, performance.now() - begun);
      if (pause > 0) await sleep(pause);
      const length = Math.min(writeBytes, size - offset);
      await connection.write(handle, offset, length, (data) => content.fill(data));
    }
    await connection.settled();
    await connection.close(handle);
    return ended();
  } catch (error) {
    return { ...ended(), failure: (error as Error).message };
  } finally {
    connection.end();
  }
}
