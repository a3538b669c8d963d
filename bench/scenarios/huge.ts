import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import { sftpPut } from '../client.ts';
import { accountOn } from '../driver/account.ts';
import { Fleet } from '../driver/fleet.ts';
import { endedChildrenTicks, hasProc, ticksPerSecond } from '../measure/proc.ts';
import { difference } from '../measure/statistics.ts';
import { cpuSeconds, record, type Sample, thin, treePeakRss, treeRss } from '../measure/timeline.ts';
import { crc32OfZeros } from '../sink/extents.ts';
import { openSite, type Site } from '../site.ts';
import { GiB, MiB } from '../sizes.ts';
import { sluice } from '../targets/sluice.ts';
import type { RunningTarget } from '../targets/target.ts';
import { lastingFaults, type Sent } from './arrivals.ts';

/**
 * `generated`: bytes that never repeat, by an ssh2 client; a part in the wrong place changes the CRC32. `openssh`: zeros out
 * of a sparse file, by `sftp`.
 */
export const HUGE_CLIENTS = ['generated', 'openssh'] as const;
export type HugeClient = (typeof HUGE_CLIENTS)[number];

export interface HugeOptions {
  readonly size: number;
  readonly client: HugeClient;
  /** Of each WRITE of the generated stream, in bytes. */
  readonly writeBytes: number;
  readonly latencyMs: number;
  /** Over the server's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly stallSeconds: number;
  readonly say: (line: string) => void;
}

/** Figures from /proc are undefined where there is none. */
export interface HugeResult {
  readonly wallSeconds: number;
  readonly serverCpuSeconds: number | undefined;
  readonly clientCpuSeconds: number | undefined;
  readonly sinkCpuSeconds: number | undefined;
  readonly rss: {
    readonly afterStart: number | undefined;
    /** The most of all. */
    readonly peak: number | undefined;
    readonly peakOfSink: number | undefined;
  };
  /** Bytes that S3 copied: what went up in pieces and was put together there. */
  readonly copiedBytes: number;
  readonly failure: string | undefined;
  readonly faults: readonly string[];
  readonly samples: readonly Sample[];
}

const NAME = 'huge.bin';

/** That of the ssh2 clients too. */
const CIPHER = 'aes128-gcm@openssh.com';

const SAMPLE_MS = 1000;
const TOLD_EVERY_MS = 30_000;

/** One file far larger than any memory; what of the server's memory that takes as it goes on. */
export async function measureHuge(options: HugeOptions, cleanup: Cleanup): Promise<HugeResult> {
  const { latencyMs, env, size, say } = options;
  const site = await openSite(cleanup, { latencyMs, verify: true });
  const server = await sluice().start(site, { env });
  const put = await prepare(options, site, server);
  const afterStart = await treeRss(server.pid);
  const cpu = async () => ({
    server: await cpuSeconds(server.pid),
    sink: await cpuSeconds(site.sink.pid),
  });
  const before = await cpu();
  let told = performance.now();
  const progress = async () => {
    const { bytes } = await site.sink.counts();
    if (performance.now() - told > TOLD_EVERY_MS) {
      told = performance.now();
      const rss = (((await treeRss(server.pid)) ?? 0) / MiB).toFixed(0);
      say(`${(bytes / GiB).toFixed(1)} of ${(size / GiB).toFixed(1)} GiB, RSS ${rss} MiB`);
    }
    return bytes;
  };
  const { result, samples, seconds } = await record(server.pid, { everyMs: SAMPLE_MS, progress }, put);
  const after = await cpu();
  const faults = await lastingFaults([result.sent], () => site.sink.contents());
  const { copiedBytes } = await site.sink.counts();
  const peak = await treePeakRss(server.pid);
  const peakOfSink = await treePeakRss(site.sink.pid);
  await server.stop();
  return {
    wallSeconds: seconds,
    serverCpuSeconds: difference(after.server, before.server),
    clientCpuSeconds: result.cpuSeconds,
    sinkCpuSeconds: difference(after.sink, before.sink),
    rss: { afterStart, peak, peakOfSink },
    copiedBytes,
    failure: result.sent.failure,
    faults,
    samples: thin(samples),
  };
}

interface Put {
  readonly sent: Sent;
  readonly cpuSeconds: number | undefined;
}

/** All that can be done before the upload starts; what is returned does it. */
function prepare(options: HugeOptions, site: Site, server: RunningTarget): Promise<() => Promise<Put>> {
  return options.client === 'openssh' ? sparseFile(options, site, server) : stream(options, site, server);
}

async function stream(options: HugeOptions, site: Site, server: RunningTarget): Promise<() => Promise<Put>> {
  const { size, writeBytes, stallSeconds } = options;
  const account = await accountOn(site, server);
  const fleet = await Fleet.login({ names: [NAME], account, drivers: 1 }, site.cleanup);
  return async () => {
    const { outcomes, cpuSeconds } = await fleet.upload({ size, writeBytes, stallSeconds });
    await fleet.stop();
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error('the driver did not tell how the upload ended');
    return { sent: { name: NAME, size, crc32: outcome.crc32, failure: outcome.failure }, cpuSeconds };
  };
}

/** A file of that size without a block on disk: reading it costs the client no more than zeros in memory. */
async function sparseFile(
  { size }: HugeOptions,
  site: Site,
  server: RunningTarget,
): Promise<() => Promise<Put>> {
  const { path: folder } = await site.cleanup.folder(tmpdir());
  const localFile = join(folder, NAME);
  const file = await open(localFile, 'w');
  await file.truncate(size);
  await file.close();
  return async () => {
    const ticks = async () => (hasProc() ? await endedChildrenTicks(process.pid) : undefined);
    const before = await ticks();
    const failure = await sftpPut(site, server, { cipher: CIPHER, localFile, name: NAME }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const used = difference(await ticks(), before);
    const perSecond = used === undefined ? 1 : await ticksPerSecond();
    return {
      sent: { name: NAME, size, crc32: crc32OfZeros(size), failure },
      cpuSeconds: used === undefined ? undefined : used / perSecond,
    };
  };
}
