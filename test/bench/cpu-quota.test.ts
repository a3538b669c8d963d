import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Cleanup } from '../../bench/cleanup.ts';
import { openCpuQuota } from '../../bench/cpu-quota.ts';

const HIERARCHIES = ['/sys/fs/cgroup', '/sys/fs/cgroup/cpu'].filter(existsSync);

/** Cgroups of this process's quotas. */
const cgroups = () =>
  HIERARCHIES.flatMap((folder) => readdirSync(folder)).filter((name) =>
    name.startsWith(`sluice-bench-${process.pid}-`),
  );

test('a process that is held goes on, and afterwards nothing is left of the quota', async () => {
  const cleanup = new Cleanup();
  const quota = openCpuQuota(0.25, cleanup);
  // Beside it, another.
  expect(openCpuQuota(0.5, cleanup).by).toBe(quota.by);
  const isCgroup = quota.by !== 'SIGSTOP and SIGCONT';
  const child = spawn(process.execPath, [
    '-e',
    'let n = 0; for (let i = 0; i < 1e8; i++) n += i; process.stdout.write("done")',
  ]);
  quota.hold(child.pid as number);
  const [said] = await once(child.stdout, 'data');
  await once(child, 'close');
  expect(String(said)).toBe('done');
  expect(cgroups()).toHaveLength(isCgroup ? 2 : 0);
  await cleanup.run();
  expect(cgroups()).toEqual([]);
});
