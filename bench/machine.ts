import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { hasNativeCrypto } from '../src/ssh/native-crypto.ts';
import { hasProc } from './measure/proc.ts';
import { outputOf } from './processes.ts';
import { GiB } from './sizes.ts';

/** What the figures depend on. Nothing in it tells whose machine it is. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Whether ssh2's native crypto is loaded; without it every byte costs two to four times the CPU time. */
  readonly ssh2NativeCrypto: boolean;
  readonly openssh: string;
  readonly commit: string;
  /** Processes that wanted to run, on average over the minute before the start: other work disturbs. */
  readonly loadBefore: number;
}

export async function describeMachine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / GiB),
    kernel: `${type()} ${release()}`,
    node: process.version,
    ssh2NativeCrypto: hasNativeCrypto(),
    openssh: (await outputOf('ssh', '-V')) ?? 'unknown',
    commit: (await outputOf('git', 'describe', '--always', '--dirty', '--exclude', '*')) ?? 'unknown',
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** What a reader of the figures must know about this machine, in sentences. */
export function caveats({ ssh2NativeCrypto, cores, loadBefore }: Machine): string[] {
  return [
    ...(hasProc()
      ? []
      : ['There is no /proc here (it is Linux only): CPU time and memory are not measured.']),
    ...(ssh2NativeCrypto ? [] : ["ssh2's native crypto is not built: npm rebuild ssh2 (needs a compiler)."]),
    ...(loadBefore > cores / 4 ? [`The machine was busy before the start: a load of ${loadBefore}.`] : []),
  ];
}

/** The machine in a sentence. */
export function inOneLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, kernel, node, openssh, commit, loadBefore } = machine;
  const [client = openssh] = openssh.split(/[ ,]/);
  const hardware = `${cpu}, ${cores} cores, ${memoryGiB} GiB`;
  return `${hardware}; ${kernel}, Node ${node}, ${client}; commit ${commit}; load before the start ${loadBefore}.`;
}
