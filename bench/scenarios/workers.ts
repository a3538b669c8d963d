import type { Cleanup } from '../cleanup.ts';
import { type CpuQuota, openCpuQuota } from '../cpu-quota.ts';
import { accountOn } from '../driver/account.ts';
import { Fleet } from '../driver/fleet.ts';
import { hasProc, processTree } from '../measure/proc.ts';
import { difference } from '../measure/statistics.ts';
import { cpuSeconds } from '../measure/timeline.ts';
import { openSite } from '../site.ts';
import { sluice } from '../targets/sluice.ts';
import { lastingFaults } from './arrivals.ts';

/** What is uploaded, and to what: it stands in the report too. */
export interface WorkersWork {
  /** Each uploads one file. */
  readonly clients: number;
  /** Of each file, in bytes. */
  readonly size: number;
  /** Of each WRITE, in bytes. */
  readonly writeBytes: number;
  /** Of a processor, which each worker has to itself: client and sink need the rest. */
  readonly cpuShare: number;
}

export interface WorkersRun {
  readonly quotaBy: CpuQuota['by'];
  /** From the first OPEN to the last answer to CLOSE. */
  readonly wallSeconds: number;
  /** Of all workers, and of the process that passes connections on to them. Undefined without /proc, as that of the sink. */
  readonly serverCpuSeconds: number | undefined;
  readonly clientCpuSeconds: number;
  readonly sinkCpuSeconds: number | undefined;
  /** Uploads that failed, objects and jobs that are wrong, missing or should not be there. */
  readonly faults: readonly string[];
}

export interface WorkersSeries {
  /** `SLUICE_WORKERS`. */
  readonly workers: number;
  readonly runs: readonly WorkersRun[];
}

export interface WorkersOptions extends WorkersWork {
  /** Numbers of workers, which take turns. */
  readonly workers: readonly number[];
  readonly runs: number;
  readonly say: (line: string) => void;
}

const DRIVERS = 2;
const STALL_SECONDS = 180;

/** The same uploads at once to servers of one worker and of more, each worker held to the same share of a processor. */
export async function measureWorkers(options: WorkersOptions, cleanup: Cleanup): Promise<WorkersSeries[]> {
  if (!hasProc()) throw new Error('workers are found in /proc, and there is none');
  const series = options.workers.map((workers) => ({ workers, runs: [] as WorkersRun[] }));
  for (let run = 1; run <= options.runs; run++) {
    for (const { workers, runs } of series) {
      const done = await cleanup.within((own) => runOnce(options, workers, own));
      runs.push(done);
      const { wallSeconds, faults } = done;
      options.say(
        `run ${run} of ${options.runs}, SLUICE_WORKERS=${workers}: ${wallSeconds.toFixed(2)} s, ${faults.length} faults`,
      );
    }
  }
  return series;
}

async function runOnce(work: WorkersWork, workers: number, cleanup: Cleanup): Promise<WorkersRun> {
  const { clients, size, writeBytes, cpuShare } = work;
  const site = await openSite(cleanup, { latencyMs: 0, verify: false });
  const server = await sluice().start(site, { env: { SLUICE_WORKERS: String(workers) } });
  const account = await accountOn(site, server);
  const names = Array.from({ length: clients }, (_, index) => `file-${index}.bin`);
  const fleet = await Fleet.login({ names, account, drivers: DRIVERS }, cleanup);
  // Not before: a worker without time takes fewer connections than its share.
  const quotaBy = await hold(server.pid, workers, cpuShare, cleanup);

  const cpu = async () => ({
    server: await cpuSeconds(server.pid),
    sink: await cpuSeconds(site.sink.pid),
  });
  const before = await cpu();
  const result = await fleet.upload({ size, writeBytes, stallSeconds: STALL_SECONDS });
  const after = await cpu();

  const sent = result.outcomes.map(({ name, crc32, failure }) => ({ name, size, crc32, failure }));
  const failed = result.outcomes.flatMap(({ name, failure }) =>
    failure === undefined ? [] : `${name}: ${failure}`,
  );
  const arrived = await lastingFaults(sent, () => site.sink.contents());
  await fleet.stop();
  await server.stop();
  return {
    quotaBy,
    wallSeconds: Math.max(...result.outcomes.map(({ seconds }) => seconds)),
    serverCpuSeconds: difference(after.server, before.server),
    clientCpuSeconds: result.cpuSeconds,
    sinkCpuSeconds: difference(after.sink, before.sink),
    faults: [...failed, ...arrived],
  };
}

/** A quota for each worker alone. One worker is the server's own process; more are the children of that. */
async function hold(pid: number, workers: number, share: number, cleanup: Cleanup): Promise<CpuQuota['by']> {
  const [, ...children] = await processTree(pid);
  const held = workers === 1 ? [pid] : children;
  if (held.length !== workers) throw new Error(`${held.length} processes for ${workers} workers`);
  const quotas = held.map((worker) => {
    const quota = openCpuQuota(share, cleanup);
    quota.hold(worker);
    return quota;
  });
  return (quotas[0] as CpuQuota).by;
}
