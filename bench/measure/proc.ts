import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** CPU time of one process as proc(5) tells it, in clock ticks. */
export interface CpuTicks {
  /** User and system time of the process itself. */
  readonly own: number;
  /** The same of its children that have ended and been waited for, theirs included. */
  readonly children: number;
}

/** Whether processes can be measured here: /proc/PID is Linux only. */
export function hasProc(): boolean {
  return existsSync('/proc/self/stat');
}

/** The fields of /proc/PID/stat that are needed here; the command in parentheses may hold anything. */
export function parseStat(text: string): CpuTicks & { readonly parent: number } {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ')
    .map(Number);
  // proc(5) counts from 1 and `fields` begins with its field 3: ppid is 4, utime to cstime are 14 to 17.
  const field = (number: number) => fields[number - 3] ?? Number.NaN;
  return { parent: field(4), own: field(14) + field(15), children: field(16) + field(17) };
}

/** VmHWM of /proc/PID/status: the most that was ever resident, in bytes. */
export function parsePeakRss(text: string): number | undefined {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(text);
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** VmRSS of /proc/PID/status: what is resident now, in bytes. */
export function parseRss(text: string): number | undefined {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(text);
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** CPU time of a process, of its living descendants, and of those that have ended, in ticks. */
export async function treeTicks(pid: number): Promise<number> {
  const stats = await Promise.all((await processTree(pid)).map(readStat));
  return stats.reduce((sum, stat) => sum + (stat === undefined ? 0 : stat.own + stat.children), 0);
}

/** CPU time of the children of a process that have ended, in ticks. */
export async function endedChildrenTicks(pid: number): Promise<number> {
  return (await readStat(pid))?.children ?? 0;
}

/** A process and its living descendants. */
export async function processTree(root: number): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  await Promise.all(
    names.map(async (pid) => {
      const stat = await readStat(pid);
      if (stat !== undefined) parents.set(pid, stat.parent);
    }),
  );
  const tree = [root];
  for (const member of tree) {
    for (const [pid, parent] of parents) if (parent === member) tree.push(pid);
  }
  return tree;
}

/** Most that one process ever had resident, in bytes; undefined when it is gone. */
export async function peakRss(pid: number): Promise<number | undefined> {
  const text = await readStatus(pid);
  return text === undefined ? undefined : parsePeakRss(text);
}

/** From now on the peak is that of what follows (proc(5), clear_refs); where that is not allowed it stays. */
export async function resetPeakRss(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
}

/** What one process has resident now, in bytes; undefined when it is gone. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const text = await readStatus(pid);
  return text === undefined ? undefined : parseRss(text);
}

/** Clock ticks in a second. */
export async function ticksPerSecond(): Promise<number> {
  const { stdout } = await promisify(execFile)('getconf', ['CLK_TCK']);
  return Number(stdout.trim());
}

async function readStat(pid: number): Promise<(CpuTicks & { readonly parent: number }) | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseStat(text);
}

async function readStatus(pid: number): Promise<string | undefined> {
  return await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
}
