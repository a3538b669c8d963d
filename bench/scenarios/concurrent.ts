import type { Cleanup } from '../cleanup.ts';
import { accountOn } from '../driver/account.ts';
import { Fleet } from '../driver/fleet.ts';
import type { Outcome } from '../driver/messages.ts';
import { difference } from '../measure/statistics.ts';
import { cpuSeconds, record, type Sample, thin, treePeakRss, treeRss } from '../measure/timeline.ts';
import { openSite } from '../site.ts';
import { formatSize } from '../sizes.ts';
import { sluice } from '../targets/sluice.ts';
import { lastingFaults } from './arrivals.ts';

/** What is uploaded, and to what: it stands in the report too. */
export interface ConcurrentWork {
  readonly clients: number;
  /** Of each file, in bytes. */
  readonly size: number;
  /** Of each WRITE, in bytes. */
  readonly writeBytes: number;
  readonly budgetMiB: number;
  readonly latencyMs: number;
  /** Over the server's own. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ConcurrentOptions extends ConcurrentWork {
  /** Bytes per second of each client, one run for each; undefined is as fast as it goes. */
  readonly rates: readonly (number | undefined)[];
  /** Processes that the clients are spread over. */
  readonly drivers: number;
  readonly stallSeconds: number;
  readonly say: (line: string) => void;
}

/** All uploads at one rate. Figures from /proc are undefined where there is none. */
export interface ConcurrentRun {
  readonly bytesPerSecond: number | 'fast';
  readonly rss: {
    readonly afterStart: number | undefined;
    readonly afterLogins: number | undefined;
    /** The most until all were logged in. */
    readonly peakOfLogins: number | undefined;
    /** The most of all. */
    readonly peak: number | undefined;
  };
  readonly loginSeconds: number;
  readonly wallSeconds: number;
  readonly firstFinishedSeconds: number | undefined;
  readonly lastFinishedSeconds: number | undefined;
  /** During the uploads, without the logins. */
  readonly serverCpuSeconds: number | undefined;
  readonly clientCpuSeconds: number;
  readonly sinkCpuSeconds: number | undefined;
  readonly finished: number;
  readonly failures: readonly Failures[];
  /** Objects and jobs that are wrong, missing or should not be there. */
  readonly faults: readonly string[];
  readonly samples: readonly Sample[];
}

/** Uploads that failed with the same message. */
export interface Failures {
  readonly message: string;
  readonly count: number;
}

const SAMPLE_MS = 250;

/** Each rate with a server and a sink of its own. */
export async function measureConcurrent(
  options: ConcurrentOptions,
  cleanup: Cleanup,
): Promise<ConcurrentRun[]> {
  const runs: ConcurrentRun[] = [];
  for (const rate of options.rates) {
    const run = await cleanup.within((own) => runOnce(options, rate, own));
    runs.push(run);
    for (const { message, count } of run.failures) options.say(`${count} uploads failed: ${message}`);
    options.say(`${rateName(run.bytesPerSecond)}: ${run.finished} finished, ${run.faults.length} faults`);
  }
  return runs;
}

async function runOnce(
  options: ConcurrentOptions,
  bytesPerSecond: number | undefined,
  cleanup: Cleanup,
): Promise<ConcurrentRun> {
  const { clients, size, writeBytes, latencyMs, drivers, stallSeconds, say } = options;
  const site = await openSite(cleanup, { latencyMs, verify: true });
  const env = {
    SLUICE_MEMORY_BUDGET_MIB: String(options.budgetMiB),
    // A few more than needed: a connection that is closing still counts.
    SLUICE_MAX_SESSIONS: String(clients + 16),
    SLUICE_MAX_SESSIONS_PER_USER: '0',
    ...options.env,
  };
  const server = await sluice().start(site, { env });
  const afterStart = await treeRss(server.pid);

  const account = await accountOn(site, server);
  const names = Array.from({ length: clients }, (_, index) => `file-${String(index).padStart(5, '0')}.bin`);
  const beforeLogins = performance.now();
  const fleet = await Fleet.login({ names, account, drivers }, cleanup);
  const loginSeconds = (performance.now() - beforeLogins) / 1000;
  const afterLogins = await treeRss(server.pid);
  const peakOfLogins = await treePeakRss(server.pid);
  say(`${clients} clients logged in after ${loginSeconds.toFixed(1)} s`);

  const cpu = async () => ({
    server: await cpuSeconds(server.pid),
    sink: await cpuSeconds(site.sink.pid),
  });
  const before = await cpu();
  const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond };
  const { result, samples, seconds } = await record(
    server.pid,
    { everyMs: SAMPLE_MS, progress: () => fleet.acknowledgedBytes },
    () => fleet.upload({ size, writeBytes, ...pace, stallSeconds }),
  );
  const after = await cpu();
  const peak = await treePeakRss(server.pid);
  const { outcomes } = result;
  const sent = outcomes.map(({ name, crc32, failure }) => ({ name, size, crc32, failure }));
  const faults = await lastingFaults(sent, () => site.sink.contents());
  await fleet.stop();
  await server.stop();

  const ends = outcomes.filter(({ failure }) => failure === undefined).map(({ seconds }) => seconds);
  return {
    bytesPerSecond: bytesPerSecond ?? 'fast',
    rss: { afterStart, afterLogins, peakOfLogins, peak },
    loginSeconds,
    wallSeconds: seconds,
    firstFinishedSeconds: ends.length > 0 ? Math.min(...ends) : undefined,
    lastFinishedSeconds: ends.length > 0 ? Math.max(...ends) : undefined,
    serverCpuSeconds: difference(after.server, before.server),
    clientCpuSeconds: result.cpuSeconds,
    sinkCpuSeconds: difference(after.sink, before.sink),
    finished: ends.length,
    failures: countFailures(outcomes),
    faults,
    samples: thin(samples),
  };
}

/** The most frequent first. */
export function countFailures(outcomes: readonly Outcome[]): Failures[] {
  const counts = new Map<string, number>();
  for (const { failure } of outcomes) {
    if (failure !== undefined) counts.set(failure, (counts.get(failure) ?? 0) + 1);
  }
  return [...counts].map(([message, count]) => ({ message, count })).sort((a, b) => b.count - a.count);
}

export function rateName(bytesPerSecond: number | 'fast'): string {
  return bytesPerSecond === 'fast' ? 'fast' : `${formatSize(bytesPerSecond)}/s`;
}
