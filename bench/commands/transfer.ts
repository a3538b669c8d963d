import type { Command } from 'commander';
import { DEFAULT_CIPHER } from '../client.ts';
import { type TransferReport, transferPlot, transferTable } from '../reports/transfer.ts';
import type { Direction } from '../scenarios/directions.ts';
import { measureTransfers, profileTransfer } from '../scenarios/transfer.ts';
import { GiB } from '../sizes.ts';
import type { Target } from '../targets/target.ts';
import { toCount, toList, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';
import { type TargetFlags, targetsOf, withTargets } from './targets.ts';

interface TransferFlags extends CommonFlags, TargetFlags {
  readonly size: number;
  readonly runs: number;
  readonly ciphers: readonly string[];
  readonly traces?: true;
  readonly warmUp: number;
  readonly latency: number;
  readonly roundTrip: number;
  readonly profile?: true;
}

export function addUpload(program: Command): void {
  addTransfer(program, 'upload', ['sluice', 'sshd', 'ssh2-bare']).description(
    'one file to the server, one connection, by the OpenSSH client',
  );
}

export function addDownload(program: Command): void {
  addTransfer(program, 'download', ['sluice', 'sshd', 'rclone', 'sftpgo']).description(
    'one file from the server, one connection, by the OpenSSH client',
  );
}

function addTransfer(program: Command, direction: Direction, targets: readonly string[]): Command {
  const command = program
    .command(direction)
    .option('--size <size>', 'of the file', toSize, 2 * GiB)
    .option('--runs <number>', 'of each target with each cipher', toCount, 5)
    .option('--ciphers <names>', `for sftp -c; "${DEFAULT_CIPHER}" leaves it out`, toList, [
      DEFAULT_CIPHER,
      'aes128-gcm@openssh.com',
    ])
    .option('--traces', 'also measure Sluice with its traces exported to the sink')
    .option('--warm-up <size>', 'move this much with each fresh server before it is measured', toSize, 0)
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0)
    .option('--round-trip <ms>', 'between client and server, there and back', toCount, 0)
    .option(
      '--profile',
      'instead: one run of the first target with the first cipher, under the CPU profiler',
    );
  return withCommonOptions(withTargets(command, targets)).action((flags: TransferFlags) =>
    transfer(direction, flags),
  );
}

function transfer(direction: Direction, flags: TransferFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading(direction, flags);
    const names = [...flags.targets, ...(flags.traces ? ['sluice-traces'] : [])];
    const unfit = ({ hasFiles }: Target) =>
      direction === 'download' && !hasFiles ? 'it has no files to download' : undefined;
    const { targets, skipped } = await targetsOf({ targets: names }, unfit);
    const options = {
      direction,
      bytes: flags.size,
      runs: flags.runs,
      targets,
      ciphers: flags.ciphers,
      warmUpBytes: flags.warmUp,
      latencyMs: flags.latency,
      roundTripMs: flags.roundTrip,
      say,
    };
    if (flags.profile) {
      process.stdout.write(`${(await profileTransfer(options, cleanup)).join('\n')}\n`);
      return;
    }
    const series = await measureTransfers(options, cleanup);
    const { bytes, latencyMs, roundTripMs } = options;
    const report: TransferReport = { ...head, bytes, latencyMs, roundTripMs, series, skipped };
    await publish(flags, report, transferTable(report), (foot) => transferPlot(report, foot));
  });
}
