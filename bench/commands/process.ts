import type { Command } from 'commander';
import { type TransferReport, transferPlot, transferTable } from '../reports/transfer.ts';
import { measureTransfers } from '../scenarios/transfer.ts';
import { GiB } from '../sizes.ts';
import { sluice } from '../targets/sluice.ts';
import { toCount, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface ProcessFlags extends CommonFlags {
  readonly size: number;
  readonly runs: number;
  readonly cipher: string;
  readonly latency: number;
}

export function addProcess(program: Command): void {
  const command = program
    .command('process')
    .description('one file, to the S3 backend in the server, in a worker thread and in a child process')
    .option('--size <size>', 'of the file', toSize, 2 * GiB)
    .option('--runs <number>', 'of each', toCount, 5)
    .option('--cipher <name>', 'for sftp -c', 'aes128-gcm@openssh.com')
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0);
  withCommonOptions(command).action(measureProcess);
}

function measureProcess(flags: ProcessFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('process', flags);
    const own = sluice();
    const targets = [own, sluice({ home: 'worker' }), sluice({ home: 'fork' })];
    const { size: bytes, runs, cipher, latency: latencyMs } = flags;
    const where = { targets, ciphers: [cipher], latencyMs, roundTripMs: 0 };
    const work = { ...where, direction: 'upload', bytes, runs, warmUpBytes: 0, say } as const;
    const series = await measureTransfers(work, cleanup);
    const report: TransferReport = { ...head, bytes, latencyMs, roundTripMs: 0, series, skipped: [] };
    const plot = (foot: readonly string[]) => transferPlot(report, foot, own.name);
    await publish(flags, report, transferTable(report, own.name), plot);
  });
}
