import { type Command, InvalidArgumentError, Option } from 'commander';
import { type TelemetryReport, telemetryTable } from '../reports/telemetry.ts';
import { telemetryProfile } from '../reports/telemetry-profile.ts';
import {
  measureTelemetry,
  profileTelemetry,
  RECEIVERS,
  type Receiver,
  type TelemetryOptions,
} from '../scenarios/telemetry.ts';
import { GiB, KiB } from '../sizes.ts';
import { toCount, toList, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface TelemetryFlags extends CommonFlags, Pick<TelemetryOptions, 'size' | 'files' | 'runs'> {
  readonly receiver: TelemetryOptions['receivers'];
  readonly control?: true;
  readonly profile?: true;
}

const FILE_SIZE = 4 * KiB;

const SETTLE_MS = 2000;

export function addTelemetry(program: Command): void {
  const command = program
    .command('telemetry')
    .description('one upload and many small ones, with all telemetry exported and with none, in turn')
    .option('--size <size>', 'of the one file; 0 leaves it out', toSize, 2 * GiB)
    .option('--files <number>', 'of 4 KiB, in one session; 0 leaves them out', toCount, 1000)
    .option('--runs <number>', 'of each', toCount, 7)
    .addOption(
      new Option('--receiver <names>', `some of ${RECEIVERS.join(',')}; a server for each`)
        .argParser(toReceivers)
        .default(['discard'], 'discard'),
    )
    .option('--control', 'also measure a second server without telemetry: how much differs by chance')
    .option('--profile', 'instead: the small files alone under the CPU profiler, and what differs');
  withCommonOptions(command).action(telemetry);
}

function telemetry(flags: TelemetryFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('telemetry', flags);
    const { size, files, runs, receiver: receivers, control = false } = flags;
    const work = { size, files, fileSize: FILE_SIZE };
    const options = { ...work, runs, receivers, control, settleMs: SETTLE_MS, say };
    if (flags.profile) {
      const profiles = await profileTelemetry(options, cleanup);
      process.stdout.write(`${telemetryProfile(profiles, files * runs)}\n`);
      return;
    }
    const results = await measureTelemetry(options, cleanup);
    const report: TelemetryReport = { ...head, ...work, results };
    await publish(flags, report, telemetryTable(report));
    const faults = results.reduce((sum, result) => sum + result.faults.length, 0);
    if (faults > 0) throw new Error(`NOT RIGHT: ${faults} faults`);
  });
}

function toReceivers(text: string): Receiver[] {
  return toList(text).map((name) => {
    const known = RECEIVERS.find((receiver) => receiver === name);
    if (known === undefined) throw new InvalidArgumentError(`It must be some of ${RECEIVERS.join(', ')}.`);
    return known;
  });
}
