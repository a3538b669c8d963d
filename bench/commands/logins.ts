import { type Command, Option } from 'commander';
import { type LoginsReport, loginsTable } from '../reports/logins.ts';
import { measureLogins } from '../scenarios/logins.ts';
import { toCount, toCounts } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';
import { type TargetFlags, targetsOf, withTargets } from './targets.ts';

interface LoginsFlags extends CommonFlags, TargetFlags {
  readonly logins: number;
  readonly atOnce: readonly number[];
  readonly runs: number;
  readonly warmUp: number;
  readonly drivers: number;
}

export function addLogins(program: Command): void {
  const command = program
    .command('logins')
    .description('connect, log in with a key, open the SFTP subsystem, leave: how many a second')
    .option('--logins <number>', 'of each run', toCount, 500)
    .addOption(
      new Option('--at-once <numbers>', 'clients, one row for each')
        .argParser(toCounts)
        .default([1, 8], '1,8'),
    )
    .option('--runs <number>', 'of each target with each number of clients', toCount, 3)
    .option('--warm-up <number>', 'logins to each fresh server before it is measured', toCount, 100)
    .option('--drivers <number>', 'processes that the clients are spread over', toCount, 2);
  withCommonOptions(withTargets(command, ['sluice', 'sshd', 'rclone', 'sftpgo'])).action(logins);
}

function logins(flags: LoginsFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('logins', flags);
    const { targets, skipped } = await targetsOf(flags);
    const { logins, warmUp, drivers, atOnce, runs } = flags;
    const work = { logins, warmUp, drivers };
    const series = await measureLogins({ ...work, atOnce, runs, targets, say }, cleanup);
    const report: LoginsReport = { ...head, ...work, series, skipped };
    await publish(flags, report, loginsTable(report));
  });
}
