import { type Command, Option } from 'commander';
import { type WorkersReport, workersTable } from '../reports/workers.ts';
import { measureWorkers } from '../scenarios/workers.ts';
import { KiB, MiB } from '../sizes.ts';
import { toCount, toCounts, toShare, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface WorkersFlags extends CommonFlags {
  readonly runs: number;
  readonly workers: readonly number[];
  readonly clients: number;
  readonly size: number;
  readonly write: number;
  readonly cpu: number;
}

export function addWorkers(program: Command): void {
  const command = program
    .command('workers')
    .description('uploads at once to one worker and to two, each held to the same share of a processor')
    .option('--runs <number>', 'each with fresh servers', toCount, 3)
    .addOption(
      new Option('--workers <numbers>', 'SLUICE_WORKERS; they take turns')
        .argParser(toCounts)
        .default([1, 2], '1,2'),
    )
    .option('--clients <number>', 'one file each', toCount, 10)
    .addOption(new Option('--size <size>', 'of each file').argParser(toSize).default(256 * MiB, '256MiB'))
    .addOption(new Option('--write <size>', 'of each WRITE').argParser(toSize).default(255 * KiB, '255KiB'))
    .option('--cpu <share>', 'of one processor, for each worker', toShare, 0.35);
  withCommonOptions(command).action(workers);
}

function workers(flags: WorkersFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('workers', flags);
    const { clients, size, write: writeBytes, cpu: cpuShare } = flags;
    const work = { clients, size, writeBytes, cpuShare };
    const series = await measureWorkers({ ...work, workers: flags.workers, runs: flags.runs, say }, cleanup);
    const report: WorkersReport = { ...head, ...work, series };
    await publish(flags, report, workersTable(report));
    const faults = series.flatMap(({ runs }) => runs).reduce((sum, run) => sum + run.faults.length, 0);
    if (faults > 0) throw new Error(`NOT RIGHT: ${faults} faults`);
  });
}
