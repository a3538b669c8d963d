import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Cleanup } from '../../bench/cleanup.ts';
import { openCpuQuota } from '../../bench/cpu-quota.ts';

const FOLDERS = ['', 'cpu/'].map((folder) => `/sys/fs/cgroup/${folder}sluice-bench-${process.pid}`);

test('a process that is held goes on, and afterwards nothing is left of the quota', async () => {
  const cleanup = new Cleanup();
  const quota = openCpuQuota(0.25, cleanup);
  const child = spawn(process.execPath, [
    '-e',
    'let n = 0; for (let i = 0; i < 1e8; i++) n += i; process.stdout.write("done")',
  ]);
  quota.hold(child.pid as number);
  const [said] = await once(child.stdout, 'data');
  await once(child, 'close');
  expect(String(said)).toBe('done');
  expect(FOLDERS.some(existsSync)).toBe(quota.by !== 'SIGSTOP and SIGCONT');
  await cleanup.run();
  expect(FOLDERS.some(existsSync)).toBe(false);
});
