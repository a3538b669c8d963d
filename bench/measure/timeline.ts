import { setTimeout as sleep } from 'node:timers/promises';
import { hasProc, peakRss, processTree, residentBytes, ticksPerSecond, treeTicks } from './proc.ts';

/** Where a server stands at one moment of a long piece of work. */
export interface Sample {
  /** Since the work began. */
  readonly seconds: number;
  /** How far the work has come. */
  readonly bytes: number;
  /** Resident now; undefined without /proc. */
  readonly rssBytes: number | undefined;
}

/** Samples kept in a result: enough for a plot. */
const MAX_KEPT = 240;

/** What a process and those that it forked have resident now, pages that they share counted for each. */
export function treeRss(pid: number): Promise<number | undefined> {
  return sumOverTree(pid, residentBytes);
}

/** The same of the most that each of them ever had. */
export function treePeakRss(pid: number): Promise<number | undefined> {
  return sumOverTree(pid, peakRss);
}

/** CPU time that a process and those that it forked have used so far. */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  return hasProc() ? (await treeTicks(pid)) / (await ticksPerSecond()) : undefined;
}

/** Notes the memory of a server and the progress of `work` while that lasts, at its start and at its end. */
export async function record<T>(
  pid: number,
  { everyMs, progress }: { readonly everyMs: number; readonly progress: () => number | Promise<number> },
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly samples: Sample[]; readonly seconds: number }> {
  const samples: Sample[] = [];
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const note = async () => {
    const [bytes, rssBytes] = await Promise.all([progress(), treeRss(pid)]);
    samples.push({ seconds: seconds(), bytes, rssBytes });
  };
  const ending = new AbortController();
  const sampling = (async () => {
    while (!ending.signal.aborted) {
      await note();
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  // Awaited below; a failure must not end the process before that.
  sampling.catch(() => undefined);
  let result: T;
  let took: number;
  try {
    result = await work();
    took = seconds();
  } finally {
    ending.abort();
    await sampling;
  }
  await note();
  return { result, samples, seconds: took };
}

/** The first sample by which that share of the bytes had come; the last one for all of them. */
export function sampleAt(samples: readonly Sample[], share: number, bytes: number): Sample | undefined {
  if (share >= 1) return samples.at(-1);
  return samples.find((sample) => sample.bytes >= share * bytes);
}

/** At most 240 of the samples, evenly, but always the last and the one with the most memory. */
export function thin(samples: readonly Sample[]): Sample[] {
  const step = Math.ceil(samples.length / MAX_KEPT);
  const most = Math.max(...samples.map(({ rssBytes = 0 }) => rssBytes));
  const highest = samples.findIndex(({ rssBytes = 0 }) => rssBytes === most);
  const last = samples.length - 1;
  return samples.filter((_, index) => index % step === 0 || index === highest || index === last);
}

async function sumOverTree(
  root: number,
  read: (pid: number) => Promise<number | undefined>,
): Promise<number | undefined> {
  if (!hasProc()) return undefined;
  const all = await Promise.all((await processTree(root)).map(read));
  return all.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}
