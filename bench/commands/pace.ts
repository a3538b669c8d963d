import { type Command, Option } from 'commander';
import { type PaceReport, paceTable } from '../reports/pace.ts';
import { measurePace } from '../scenarios/pace.ts';
import { MiB } from '../sizes.ts';
import { toCount, toList, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, withCommonOptions } from './invocation.ts';

interface PaceFlags extends CommonFlags {
  readonly rate: number;
  readonly seconds: number;
  readonly sessions: readonly string[];
}

export function addPace(program: Command): void {
  const command = program
    .command('pace')
    .description('a user with bytesPerSecond: what moves in a second, up and down')
    .addOption(new Option('--rate <size>', 'a second').argParser(toSize).default(4 * MiB, '4MiB'))
    .option('--seconds <number>', 'how long each takes', toCount, 10)
    .option('--sessions <numbers>', 'connections at once', toList, ['1', '4']);
  withCommonOptions(command).action(pace);
}

function pace(flags: PaceFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('pace', flags);
    const asked = {
      bytesPerSecond: flags.rate,
      seconds: flags.seconds,
      sessions: flags.sessions.map(toCount),
    };
    const report: PaceReport = { ...head, ...asked, runs: await measurePace(asked, cleanup) };
    await publish(flags, report, paceTable(report));
  });
}
