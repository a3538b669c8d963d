import { setTimeout as sleep } from 'node:timers/promises';
import { endedChildrenTicks, hasProc, peakRss, processTree, ticksPerSecond, treeTicks } from './proc.ts';
import { increase } from './statistics.ts';

/** What one piece of work took. Undefined figures could not be had: there is no /proc. */
export interface Figures {
  readonly wallSeconds: number;
  /** User and system time of the server process and everything that it forked. */
  readonly serverCpuSeconds: number | undefined;
  /** The highest resident set of the server process; with forked children, the sum of each one's highest. */
  readonly serverPeakRssBytes: number | undefined;
  readonly clientCpuSeconds: number | undefined;
  readonly sinkCpuSeconds: number | undefined;
}

/** With what the server asked meanwhile of S3, by operation, and of SQS. */
export interface FiguresWithRequests extends Figures {
  readonly requests: Readonly<Record<string, number>>;
}

export interface Metered {
  readonly serverPid: number;
  readonly sinkPid: number;
}

/** How often children of the server are looked for, so that their memory is known when they have ended. */
const SAMPLE_MS = 250;

/** Longest that a forking server may take to end its session processes once the client has gone. */
const SETTLE_MS = 5000;

/**
 * Runs `work`, which must wait for the clients that it starts, and measures it. CPU time is read before and
 * after; that of a server's session processes comes from those alive and, when they have ended, from the
 * process that waited for them.
 */
export async function meter({ serverPid, sinkPid }: Metered, work: () => Promise<void>): Promise<Figures> {
  if (!hasProc()) {
    return {
      wallSeconds: await seconds(work),
      serverCpuSeconds: undefined,
      serverPeakRssBytes: undefined,
      clientCpuSeconds: undefined,
      sinkCpuSeconds: undefined,
    };
  }
  const perSecond = await ticksPerSecond();
  const ticks = async () => ({
    server: await treeTicks(serverPid),
    client: await endedChildrenTicks(process.pid),
    sink: await treeTicks(sinkPid),
  });
  const peaks = new Map<number, number>();
  const forks = (await processTree(serverPid)).length;
  const before = await ticks();
  const sampling = new AbortController();
  const sampler = sample(serverPid, peaks, sampling.signal);
  let wallSeconds: number;
  try {
    wallSeconds = await seconds(work);
  } finally {
    sampling.abort();
    await sampler;
  }
  await settled(serverPid, forks);
  await notePeaks(serverPid, peaks);
  const after = await ticks();
  const serverPeakRssBytes = [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0);
  return {
    wallSeconds,
    serverCpuSeconds: (after.server - before.server) / perSecond,
    serverPeakRssBytes,
    clientCpuSeconds: (after.client - before.client) / perSecond,
    sinkCpuSeconds: (after.sink - before.sink) / perSecond,
  };
}

/** The same beside a sink, which tells what it was asked. */
export async function meterRequests(
  serverPid: number,
  sink: { readonly pid: number; requests(): Promise<Record<string, number>> },
  work: () => Promise<void>,
): Promise<FiguresWithRequests> {
  const before = await sink.requests();
  const figures = await meter({ serverPid, sinkPid: sink.pid }, work);
  return { ...figures, requests: increase(before, await sink.requests()) };
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function sample(pid: number, peaks: Map<number, number>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await notePeaks(pid, peaks);
    await sleep(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function notePeaks(root: number, peaks: Map<number, number>): Promise<void> {
  for (const pid of await processTree(root)) {
    const bytes = await peakRss(pid);
    if (bytes !== undefined) peaks.set(pid, Math.max(bytes, peaks.get(pid) ?? 0));
  }
}

/** Waits until the server has no more processes than before: only then is their CPU time accounted for. */
async function settled(pid: number, processes: number): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  while ((await processTree(pid)).length > processes && performance.now() < deadline) await sleep(20);
}
