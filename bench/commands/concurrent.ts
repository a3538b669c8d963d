import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ConcurrentReport, concurrentTable } from '../reports/concurrent.ts';
import { type ConcurrentOptions, measureConcurrent } from '../scenarios/concurrent.ts';
import { KiB, MiB } from '../sizes.ts';
import { toCount, toEnv, toList, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

type SameNames = Pick<ConcurrentOptions, 'clients' | 'size' | 'env' | 'drivers'>;

interface ConcurrentFlags extends CommonFlags, SameNames {
  readonly budget: number;
  readonly rate: ConcurrentOptions['rates'];
  readonly write: number;
  readonly latency: number;
  readonly stall: number;
}

export function addConcurrent(program: Command): void {
  const command = program
    .command('concurrent')
    .description(
      'many clients at once, one file each: is every object right, and how much memory does it take',
    )
    .option('--clients <number>', 'connections, all logged in before any upload starts', toCount, 1000)
    .option('--size <size>', 'of each file', toSize, 8 * MiB)
    .option('--budget <MiB>', 'SLUICE_MEMORY_BUDGET_MIB', toCount, 128)
    .addOption(
      new Option('--rate <rates>', 'bytes per second of each client, or "fast"; one run for each')
        .argParser(toRates)
        .default([64 * KiB, undefined], '64KiB,fast'),
    )
    .option('--write <size>', 'of each WRITE', toSize, 32 * KiB)
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0)
    .option('--env <NAME=VALUE>', 'for the server; may be given again', toEnv, {})
    .option('--drivers <number>', 'processes that the clients are spread over', toCount, 2)
    .option('--stall <seconds>', 'give up when nothing moves for so long', toCount, 180);
  withCommonOptions(command).action(concurrent);
}

function concurrent(flags: ConcurrentFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('concurrent', flags);
    const { clients, size, budget, rate, write, latency, env, drivers, stall } = flags;
    const what = { clients, size, writeBytes: write, budgetMiB: budget, latencyMs: latency, env };
    const options = { ...what, rates: rate, drivers, stallSeconds: stall, say };
    const report: ConcurrentReport = { ...head, ...what, runs: await measureConcurrent(options, cleanup) };
    await publish(flags, report, concurrentTable(report));
    const faults = report.runs.reduce((sum, run) => sum + run.faults.length, 0);
    const failed = report.runs.reduce((sum, run) => sum + clients - run.finished, 0);
    if (faults + failed > 0) throw new Error(`NOT RIGHT: ${failed} uploads failed, ${faults} faults`);
  });
}

function toRates(text: string): ConcurrentOptions['rates'] {
  const rates = toList(text).map((rate) => (rate === 'fast' ? undefined : toSize(rate.replace(/\/s$/, ''))));
  if (rates.length === 0 || rates.includes(0))
    throw new InvalidArgumentError('It must be more than nothing.');
  return rates;
}
