import { type Command, Option } from 'commander';
import { type LoneReport, loneTable } from '../reports/lone.ts';
import { measureLone } from '../scenarios/lone.ts';
import { KiB } from '../sizes.ts';
import { toCount, toSmallSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, withCommonOptions } from './invocation.ts';

interface LoneFlags extends CommonFlags {
  readonly pairs: number;
  readonly size: number;
  readonly latency: number;
}

export function addLone(program: Command): void {
  const command = program
    .command('lone')
    .description('one small file at a time, with batching of jobs and without, in turn')
    .option('--pairs <number>', 'files for each', toCount, 500)
    .addOption(new Option('--size <size>', 'of each file').argParser(toSmallSize).default(4 * KiB, '4KiB'))
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0);
  withCommonOptions(command).action(lone);
}

function lone(flags: LoneFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('lone', flags);
    const work = { pairs: flags.pairs, size: flags.size, latencyMs: flags.latency };
    const report: LoneReport = { ...head, ...work, run: await measureLone(work, cleanup) };
    await publish(flags, report, loneTable(report));
  });
}
