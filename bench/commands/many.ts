import { type Command, Option } from 'commander';
import { type ManyReport, manyPlot, manyTable } from '../reports/many.ts';
import { measureMany } from '../scenarios/many.ts';
import { KiB } from '../sizes.ts';
import type { Target } from '../targets/target.ts';
import { toCount, toCounts, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';
import { type TargetFlags, targetsOf, withTargets } from './targets.ts';

interface ManyFlags extends CommonFlags, TargetFlags {
  readonly files: number;
  readonly size: number;
  readonly connections: readonly number[];
  readonly runs: number;
  readonly cipher: string;
  readonly latency: number;
  readonly roundTrip: number;
}

export function addMany(program: Command): void {
  const command = program
    .command('many')
    .description('folders of many small files, by put -r of the OpenSSH client')
    .option('--files <number>', 'in all', toCount, 10_000)
    .addOption(new Option('--size <size>', 'of each file').argParser(toSize).default(4 * KiB, '4KiB'))
    .addOption(
      new Option('--connections <numbers>', 'one row for each; the files are shared out')
        .argParser(toCounts)
        .default([1], '1'),
    )
    .option('--runs <number>', 'of each target with each number of connections', toCount, 3)
    .option('--cipher <name>', 'for sftp -c', 'aes128-gcm@openssh.com')
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0)
    .option('--round-trip <ms>', 'between client and server, there and back', toCount, 0);
  withCommonOptions(withTargets(command, ['sluice', 'sshd', 'rclone', 'sftpgo'])).action(many);
}

function many(flags: ManyFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('many', flags);
    const unfit = ({ hasFiles }: Target) => (hasFiles ? undefined : 'it has no folders');
    const { targets, skipped } = await targetsOf(flags, unfit);
    const { files, size, connections, runs, cipher } = flags;
    const work = { files, size, cipher, latencyMs: flags.latency, roundTripMs: flags.roundTrip };
    const series = await measureMany({ ...work, connections, runs, targets, say }, cleanup);
    const report: ManyReport = { ...head, ...work, series, skipped };
    await publish(flags, report, manyTable(report), (foot) => manyPlot(report, foot));
  });
}
