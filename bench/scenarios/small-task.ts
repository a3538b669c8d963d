import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { containerCheck } from '../../cdk/container-check.ts';
import type { Cleanup } from '../cleanup.ts';
import { type CpuQuota, openCpuQuota } from '../cpu-quota.ts';
import { accountOn } from '../driver/account.ts';
import { Connection } from '../driver/connection.ts';
import { GeneratedContent } from '../driver/content.ts';
import { type Summary, summarize } from '../measure/statistics.ts';
import { cpuSeconds, treePeakRss } from '../measure/timeline.ts';
import { freePort } from '../processes.ts';
import { openSite } from '../site.ts';
import { KiB } from '../sizes.ts';
import { sluice } from '../targets/sluice.ts';
import { lastingFaults } from './arrivals.ts';
import { uploadFile } from './small.ts';

/** What is done, and by what: it stands in the report too. */
export interface SmallTaskWork {
  /** Of one processor. */
  readonly cpuShare: number;
  readonly memoryMiB: number;
  readonly budgetMiB: number;
  /** Of whom each uploads small files; one more uploads a large one meanwhile. */
  readonly partners: number;
  readonly files: number;
  readonly size: number;
  readonly largeSize: number;
  readonly latencyMs: number;
  /** Over the server's own. */
  readonly env: Readonly<Record<string, string>>;
}

export interface SmallTaskRun {
  readonly quotaBy: CpuQuota['by'];
  readonly startSeconds: number;
  readonly startCpuSeconds: number | undefined;
  /** All at once, each from its connection to the answer to INIT. */
  readonly loginMs: Summary | undefined;
  /** From the first OPEN to the last answer to CLOSE. */
  readonly smallSeconds: number;
  readonly fileMs: Summary | undefined;
  readonly largeSeconds: number;
  readonly peakRssBytes: number | undefined;
  /** From asking for /readyz to a 200, in milliseconds, as the load balancer does. */
  readonly readyMs: Summary | undefined;
  /** Of the check that the container runs inside itself, under the same quota, in milliseconds. */
  readonly containerCheckMs: Summary | undefined;
  /** What is wrong with objects and jobs, and checks that had another answer. */
  readonly faults: readonly string[];
}

/** Of each WRITE of the large file, in bytes. */
const WRITE_BYTES = 32 * KiB;

/** More often than the stack asks (every 10 s from each zone, every 15 s), so that there are some in a short run. */
const READY_EVERY_MS = 1000;
const CONTAINER_CHECK_EVERY_MS = 5000;

/** The smallest task that there is on Fargate, with a few partners at once. Each run has a server and a sink of its own. */
export async function measureSmallTask(
  work: SmallTaskWork & { readonly runs: number; readonly say: (line: string) => void },
  cleanup: Cleanup,
): Promise<SmallTaskRun[]> {
  const runs: SmallTaskRun[] = [];
  for (let run = 1; run <= work.runs; run++) {
    const done = await cleanup.within((own) => runOnce(work, own));
    runs.push(done);
    work.say(`run ${run} of ${work.runs}: ${done.faults.length} faults, held by ${done.quotaBy}`);
  }
  return runs;
}

async function runOnce(work: SmallTaskWork, cleanup: Cleanup): Promise<SmallTaskRun> {
  const site = await openSite(cleanup, { latencyMs: work.latencyMs, verify: true });
  const quota = openCpuQuota(work.cpuShare, cleanup);
  const healthPort = await freePort();
  let spawnedAt = 0;
  const server = await sluice().start(site, {
    // Half of the memory is what V8 gives itself where the container has no more.
    nodeFlags: [`--max-old-space-size=${work.memoryMiB / 2}`],
    env: {
      SLUICE_MEMORY_BUDGET_MIB: String(work.budgetMiB),
      SLUICE_HEALTH_PORT: String(healthPort),
      ...work.env,
    },
    onSpawn: (pid) => {
      spawnedAt = performance.now();
      quota.hold(pid);
    },
  });
  const startSeconds = (performance.now() - spawnedAt) / 1000;
  const startCpuSeconds = await cpuSeconds(server.pid);
  const done = new AbortController();
  const readyChecks = again(READY_EVERY_MS, done.signal, () =>
    askReady(`http://127.0.0.1:${healthPort}/readyz`),
  );
  const containerChecks = again(CONTAINER_CHECK_EVERY_MS, done.signal, () =>
    runContainerCheck(healthPort, quota),
  );

  const account = await accountOn(site, server);
  const [large, ...partners] = await Promise.all(
    Array.from({ length: work.partners + 1 }, () => timed(() => Connection.login(account))),
  );
  const [largeDone, ...smallDone] = await Promise.all([
    timed(() => uploadLarge((large as Timed<Connection>).value, work.largeSize)),
    ...partners.map(({ value: client }, at) => timed(() => uploadSmall(client, at, work))),
  ]);
  const peakRssBytes = await treePeakRss(server.pid);
  done.abort();
  const [ready, container] = [await readyChecks, await containerChecks];
  const small = smallDone.flatMap(({ value }) => value);
  const arrived = await lastingFaults([largeDone.value, ...small], () => site.sink.contents());
  await server.stop();

  const logins = [large as Timed<Connection>, ...partners];
  return {
    quotaBy: quota.by,
    startSeconds,
    startCpuSeconds,
    loginMs: summarize(logins.map(({ ms }) => ms)),
    smallSeconds: Math.max(...smallDone.map(({ ms }) => ms)) / 1000,
    fileMs: summarize(small.map(({ ms }) => ms)),
    largeSeconds: largeDone.ms / 1000,
    peakRssBytes,
    readyMs: summarize(ready.map(({ ms }) => ms)),
    containerCheckMs: summarize(container.map(({ ms }) => ms)),
    faults: [
      ...arrived,
      ...[...ready, ...container].flatMap(({ value }) => (value === undefined ? [] : [value])),
    ],
  };
}

interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const start = performance.now();
  return { value: await work(), ms: performance.now() - start };
}

async function uploadSmall(client: Connection, partner: number, { files, size }: SmallTaskWork) {
  const sent = [];
  for (let at = 0; at < files; at++) {
    sent.push(await uploadFile(client, `partner-${partner}-${String(at).padStart(3, '0')}.bin`, size));
  }
  client.end();
  return sent;
}

async function uploadLarge(client: Connection, size: number) {
  const name = 'large.bin';
  const content = new GeneratedContent(name);
  const handle = await client.open(name);
  for (let at = 0; at < size; at += WRITE_BYTES) {
    await client.write(handle, at, Math.min(WRITE_BYTES, size - at), (data) => content.fill(data));
  }
  await client.settled();
  await client.close(handle);
  client.end();
  return { name, size, crc32: content.crc32 };
}

/** At once and then every so often until the signal; resolves with all answers when the last has come. */
async function again<T>(everyMs: number, signal: AbortSignal, ask: () => Promise<T>): Promise<Timed<T>[]> {
  const answers: Timed<T>[] = [];
  while (!signal.aborted) {
    const answer = await timed(ask);
    answers.push(answer);
    await sleep(Math.max(0, everyMs - answer.ms), undefined, { signal }).catch(() => undefined);
  }
  return answers;
}

/** What is wrong with the answer; undefined when it is good. */
async function askReady(url: string): Promise<string | undefined> {
  try {
    const { status } = await fetch(url);
    return status === 200 ? undefined : `/readyz: ${status}`;
  } catch (error) {
    return `/readyz: ${error}`;
  }
}

/** As the container does it, under its quota. */
function runContainerCheck(healthPort: number, quota: CpuQuota): Promise<string | undefined> {
  const [command = '', ...args] = containerCheck(healthPort);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    if (child.pid !== undefined) quota.hold(child.pid);
    child.once('error', reject);
    child.once('exit', (code) =>
      resolve(code === 0 ? undefined : `the check of the container: exit code ${code}`),
    );
  });
}
