import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import type { CpuProfile } from './cpu-profile.ts';

/** A place for the profile of one process that runs on Node. */
export interface Profiler {
  /** For Node, of the process that is to be profiled. */
  readonly nodeFlags: readonly string[];
  /** Once that process has ended; undefined when it left none. */
  read(): Promise<CpuProfile | undefined>;
}

export async function createProfiler(cleanup: Cleanup, parent: string): Promise<Profiler> {
  const { path: folder, remove } = await cleanup.folder(parent);
  return {
    nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${folder}`],
    read: async () => {
      const [name] = await readdir(folder);
      const text = name === undefined ? undefined : await readFile(join(folder, name), 'utf8');
      await remove();
      return text === undefined ? undefined : (JSON.parse(text) as CpuProfile);
    },
  };
}

/** Microseconds of the monotonic clock, which V8's profiles use too. */
export function profileClock(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
