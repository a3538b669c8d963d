import type { Command } from 'commander';
import { TARGET_NAMES, targetNamed } from '../targets/all.ts';
import { present, type Target } from '../targets/target.ts';
import { toList } from './arguments.ts';
import { say } from './invocation.ts';

export interface TargetFlags {
  readonly targets: readonly string[];
}

export function withTargets(command: Command, byDefault: readonly string[]): Command {
  return command.option('--targets <names>', `some of ${TARGET_NAMES.join(',')}`, toList, byDefault);
}

/** Those that can be measured; of the others it is said why not, and it goes into the result. */
export async function targetsOf(
  { targets: names }: TargetFlags,
  unfit?: (target: Target) => string | undefined,
) {
  const found = await present([...new Set(names)].map(targetNamed), unfit);
  for (const { target, reason } of found.skipped) say(`skipped: ${target}: ${reason}`);
  return found;
}
