import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';

/** A share of one processor, which the processes that it holds have together. */
export interface CpuQuota {
  /** By what, for the report. */
  readonly by: 'cgroup v2' | 'cgroup v1' | 'SIGSTOP and SIGCONT';
  /** From now on the process, with what it forks where that is a cgroup, has no more. */
  hold(pid: number): void;
  /** When its processes have gone; the cleanup does it at the latest. */
  close(): Promise<void>;
}

/** In which the share is counted, as on Fargate: the kernel's default (sched-bwc.rst). */
const PERIOD_MS = 100;

const CGROUPS = '/sys/fs/cgroup';

/** Where there may be a controller of CPU time, and how it is told a quota, both times in microseconds. */
const HIERARCHIES = [
  {
    by: 'cgroup v2',
    folder: CGROUPS,
    file: 'cpu.max',
    told: (quota: number, period: number) => `${quota} ${period}`,
  },
  {
    by: 'cgroup v1',
    folder: join(CGROUPS, 'cpu'),
    file: 'cpu.cfs_quota_us',
    told: (quota: number) => String(quota),
  },
] as const;

/** So that each has a name of its own. */
let opened = 0;

/** By a cgroup where one may be made, which takes root; elsewhere processes are stopped for the rest of each period. */
export function openCpuQuota(share: number, cleanup: Cleanup): CpuQuota {
  for (const hierarchy of HIERARCHIES) {
    const quota = openCgroup(hierarchy, share, cleanup);
    if (quota !== undefined) return quota;
  }
  return stopAndGo(share, cleanup);
}

function openCgroup(
  { by, folder, file, told }: (typeof HIERARCHIES)[number],
  share: number,
  cleanup: Cleanup,
): CpuQuota | undefined {
  const own = join(folder, `sluice-bench-${process.pid}-${opened++}`);
  try {
    if (!existsSync(join(folder, 'cgroup.procs'))) return undefined;
    mkdirSync(own);
  } catch {
    return undefined;
  }
  // It cannot be removed before its processes have gone: what was added later is undone earlier.
  const remove = cleanup.add(() => rmdirSync(own));
  try {
    // Without this controller there is no such file, and none can be made.
    writeFileSync(join(own, file), told(share * PERIOD_MS * 1000, PERIOD_MS * 1000));
  } catch {
    void remove();
    return undefined;
  }
  return { by, hold: (pid) => writeFileSync(join(own, 'cgroup.procs'), String(pid)), close: remove };
}

/** Less than a quota: what a process does not use of its turn is lost, and on several processors its threads have more. */
function stopAndGo(share: number, cleanup: Cleanup): CpuQuota {
  const held = new Set<number>();
  const tell = (name: NodeJS.Signals) => {
    for (const pid of held) if (!signal(pid, name)) held.delete(pid);
  };
  let turn: NodeJS.Timeout | undefined;
  const periods = setInterval(() => {
    tell('SIGCONT');
    turn = setTimeout(() => tell('SIGSTOP'), share * PERIOD_MS);
  }, PERIOD_MS);
  const close = cleanup.add(() => {
    clearInterval(periods);
    clearTimeout(turn);
    tell('SIGCONT');
  });
  return { by: 'SIGSTOP and SIGCONT', hold: (pid) => void held.add(pid), close };
}

/** False when it has gone. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
