import { type Command, Option } from 'commander';
import { type SmallTaskReport, smallTaskTable } from '../reports/small-task.ts';
import { measureSmallTask } from '../scenarios/small-task.ts';
import { KiB, MiB } from '../sizes.ts';
import { toCount, toEnv, toShare, toSize, toSmallSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface SmallTaskFlags extends CommonFlags {
  readonly runs: number;
  readonly cpu: number;
  readonly memory: number;
  readonly budget: number;
  readonly partners: number;
  readonly files: number;
  readonly size: number;
  readonly largeSize: number;
  readonly latency: number;
  readonly env: Readonly<Record<string, string>>;
}

export function addSmallTask(program: Command): void {
  const command = program
    .command('small-task')
    .description('a light load on the smallest task: a quarter of a processor, 512 MiB')
    .option('--runs <number>', 'each with a fresh server', toCount, 3)
    .option('--cpu <share>', 'of one processor', toShare, 0.25)
    .option('--memory <MiB>', 'of the task', toCount, 512)
    .option('--budget <MiB>', 'SLUICE_MEMORY_BUDGET_MIB; as the stack gives it to 512 MiB', toCount, 128)
    .option('--partners <number>', 'at once, besides the one with the large file', toCount, 5)
    .option('--files <number>', 'of each partner', toCount, 20)
    .addOption(new Option('--size <size>', 'of each file').argParser(toSmallSize).default(64 * KiB, '64KiB'))
    .addOption(
      new Option('--large-size <size>', 'of the large file').argParser(toSize).default(64 * MiB, '64MiB'),
    )
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0)
    .option('--env <name=value>', 'a variable of the server; may be given again', toEnv, {});
  withCommonOptions(command).action(smallTask);
}

function smallTask(flags: SmallTaskFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('small-task', flags);
    const { cpu: cpuShare, memory: memoryMiB, budget: budgetMiB, latency: latencyMs } = flags;
    const { partners, files, size, largeSize, env } = flags;
    const load = { partners, files, size, largeSize, latencyMs };
    const work = { cpuShare, memoryMiB, budgetMiB, ...load, env };
    const runs = await measureSmallTask({ ...work, runs: flags.runs, say }, cleanup);
    const report: SmallTaskReport = { ...head, ...work, runs };
    await publish(flags, report, smallTaskTable(report));
    const faults = runs.reduce((sum, run) => sum + run.faults.length, 0);
    if (faults > 0) throw new Error(`NOT RIGHT: ${faults} faults`);
  });
}
