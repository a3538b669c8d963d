import { type Command, Option } from 'commander';
import { type SmallReport, smallTable } from '../reports/small.ts';
import { measureSmall, type SmallOptions } from '../scenarios/small.ts';
import { KiB } from '../sizes.ts';
import { toCount, toCounts, toSmallSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface SmallFlags extends CommonFlags, Pick<SmallOptions, 'files' | 'size' | 'connections'> {
  readonly latency: number;
}

export function addSmall(program: Command): void {
  const command = program
    .command('small')
    .description(
      'many small files, one after the other on each connection: how long each takes, how many requests its job',
    )
    .option('--files <number>', 'in all', toCount, 500)
    .addOption(new Option('--size <size>', 'of each file').argParser(toSmallSize).default(4 * KiB, '4KiB'))
    .addOption(
      new Option('--connections <numbers>', 'one run for each').argParser(toCounts).default([1, 10], '1,10'),
    )
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0);
  withCommonOptions(command).action(small);
}

function small(flags: SmallFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('small', flags);
    const { files, size, connections, latency: latencyMs } = flags;
    const runs = await measureSmall({ files, size, connections, latencyMs, say }, cleanup);
    const report: SmallReport = { ...head, files, size, latencyMs, runs };
    await publish(flags, report, smallTable(report));
    const faults = runs.reduce((sum, run) => sum + run.faults.length, 0);
    if (faults > 0) throw new Error(`NOT RIGHT: ${faults} faults`);
  });
}
