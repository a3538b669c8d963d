import type { Command } from 'commander';
import { DEFAULT_CIPHER } from '../client.ts';
import { type UploadReport, uploadTable } from '../reports/upload.ts';
import { measureUploads, profileUpload } from '../scenarios/upload.ts';
import { GiB } from '../sizes.ts';
import { TARGET_NAMES, targetNamed } from '../targets/all.ts';
import { present } from '../targets/target.ts';
import { toCount, toList, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface UploadFlags extends CommonFlags {
  readonly size: number;
  readonly runs: number;
  readonly targets: readonly string[];
  readonly ciphers: readonly string[];
  readonly traces?: true;
  readonly warmUp: number;
  readonly latency: number;
  readonly roundTrip: number;
  readonly profile?: true;
}

export function addUpload(program: Command): void {
  const command = program
    .command('upload')
    .description('one file, one connection, by the OpenSSH client')
    .option('--size <size>', 'of the file', toSize, 2 * GiB)
    .option('--runs <number>', 'of each target with each cipher', toCount, 5)
    .option('--targets <names>', `some of ${TARGET_NAMES.join(',')}`, toList, ['sluice', 'sshd', 'ssh2-bare'])
    .option('--ciphers <names>', `for sftp -c; "${DEFAULT_CIPHER}" leaves it out`, toList, [
      DEFAULT_CIPHER,
      'aes128-gcm@openssh.com',
    ])
    .option('--traces', 'also measure Sluice with its traces exported to the sink')
    .option('--warm-up <size>', 'upload this much to each fresh server before it is measured', toSize, 0)
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0)
    .option('--round-trip <ms>', 'between client and server, there and back', toCount, 0)
    .option(
      '--profile',
      'instead: one run of the first target with the first cipher, under the CPU profiler',
    );
  withCommonOptions(command).action(upload);
}

function upload(flags: UploadFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('upload', flags);
    const names = [...flags.targets, ...(flags.traces ? ['sluice-traces'] : [])];
    const { targets, skipped } = await present([...new Set(names)].map(targetNamed));
    for (const { target, reason } of skipped) say(`skipped: ${target}: ${reason}`);
    const options = {
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
      process.stdout.write(`${(await profileUpload(options, cleanup)).join('\n')}\n`);
      return;
    }
    const series = await measureUploads(options, cleanup);
    const report: UploadReport = { ...head, bytes: flags.size, series, skipped };
    await publish(flags, report, uploadTable(report));
  });
}
