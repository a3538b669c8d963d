import type { Command } from 'commander';
import { type StartupReport, startupTable } from '../reports/startup.ts';
import { measureStartup } from '../scenarios/startup.ts';
import { toCount, toEnv, toShare } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';
import { type TargetFlags, targetsOf, withTargets } from './targets.ts';

interface StartupFlags extends CommonFlags, TargetFlags {
  readonly runs: number;
  readonly idle: number;
  readonly cpu: number;
  readonly env: Readonly<Record<string, string>>;
}

export function addStartup(program: Command): void {
  const command = program
    .command('startup')
    .description('from the process to accepting connections, and the memory of one that has nothing to do')
    .option('--runs <number>', 'of each target', toCount, 5)
    .option('--idle <seconds>', 'before memory is read', toCount, 3)
    .option('--cpu <share>', 'of one processor, as 0.25', toShare, 1)
    .option('--env <name=value>', 'a variable of the server; may be given again', toEnv, {});
  withCommonOptions(
    withTargets(command, ['sluice-no-otel', 'sluice-traces', 'sshd', 'rclone', 'sftpgo']),
  ).action(startup);
}

function startup(flags: StartupFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('startup', flags);
    const { targets, skipped } = await targetsOf(flags);
    const { runs, env } = flags;
    const work = { idleSeconds: flags.idle, cpuShare: flags.cpu, env };
    const series = await measureStartup({ ...work, runs, targets, say }, cleanup);
    const report: StartupReport = { ...head, ...work, series, skipped };
    await publish(flags, report, startupTable(report));
  });
}
