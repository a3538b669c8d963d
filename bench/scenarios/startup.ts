import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../cleanup.ts';
import { DEFAULT_CIPHER, sftpPut } from '../client.ts';
import { openCpuQuota } from '../cpu-quota.ts';
import { cpuSeconds, treeRss } from '../measure/timeline.ts';
import { openSite, type Site } from '../site.ts';
import { KiB } from '../sizes.ts';
import type { Target } from '../targets/target.ts';

/** What is done: it stands in the report too. */
export interface StartupWork {
  /** From when it listens, and from the upload, until memory is read. */
  readonly idleSeconds: number;
  /** Of one processor; 1 for no limit. */
  readonly cpuShare: number;
  /** Over the server's own. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StartupOptions extends StartupWork {
  readonly runs: number;
  readonly targets: readonly Target[];
  readonly say: (line: string) => void;
}

export interface StartupFigures {
  /** From the process to when it accepts connections. */
  readonly wallSeconds: number;
  readonly serverCpuSeconds: number | undefined;
  readonly idleRssBytes: number | undefined;
  /** After one `put` of 64 KiB by OpenSSH's sftp. */
  readonly usedRssBytes: number | undefined;
}

export interface StartupSeries {
  readonly target: string;
  readonly runs: readonly StartupFigures[];
}

const UPLOAD_BYTES = 64 * KiB;

/** Fresh processes, each until it has been idle for a while. Targets take turns, so that what disturbs hits them all. */
export async function measureStartup(options: StartupOptions, cleanup: Cleanup): Promise<StartupSeries[]> {
  const { runs, targets, say } = options;
  const site = await openSite(cleanup, { latencyMs: 0 });
  const localFile = join(site.folder, 'first.bin');
  await writeFile(localFile, Buffer.alloc(UPLOAD_BYTES));
  const all = targets.map((target) => ({ target, runs: [] as StartupFigures[] }));
  for (let run = 1; run <= runs; run++) {
    for (const { target, runs: done } of all) {
      const figures = await startOnce(site, target, { ...options, localFile }, cleanup);
      done.push(figures);
      say(`run ${run} of ${runs}, ${target.name}: ${figures.wallSeconds.toFixed(2)} s`);
    }
  }
  return all.map(({ target, runs }) => ({ target: target.name, runs }));
}

async function startOnce(
  site: Site,
  target: Target,
  { idleSeconds, cpuShare, env, localFile }: StartupWork & { readonly localFile: string },
  cleanup: Cleanup,
): Promise<StartupFigures> {
  const quota = cpuShare < 1 ? openCpuQuota(cpuShare, cleanup) : undefined;
  let spawnedAt = 0;
  const onSpawn = (pid: number) => {
    spawnedAt = performance.now();
    quota?.hold(pid);
  };
  const server = await target.start(site, { onSpawn, env });
  try {
    const wallSeconds = (performance.now() - spawnedAt) / 1000;
    const serverCpuSeconds = await cpuSeconds(server.pid);
    await sleep(idleSeconds * 1000);
    const idleRssBytes = await treeRss(server.pid);
    await sftpPut(site, server, { cipher: DEFAULT_CIPHER, localFile, name: 'first.bin' });
    await sleep(idleSeconds * 1000);
    return { wallSeconds, serverCpuSeconds, idleRssBytes, usedRssBytes: await treeRss(server.pid) };
  } finally {
    await server.stop();
    await quota?.close();
  }
}
