import { type Command, Option } from 'commander';
import { type HugeReport, hugeTable } from '../reports/huge.ts';
import { HUGE_CLIENTS, type HugeClient, measureHuge } from '../scenarios/huge.ts';
import { GiB, KiB } from '../sizes.ts';
import { toCount, toEnv, toSize } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface HugeFlags extends CommonFlags {
  readonly size: number;
  readonly client: HugeClient;
  readonly write: number;
  readonly latency: number;
  readonly env: Readonly<Record<string, string>>;
  readonly stall: number;
}

export function addHuge(program: Command): void {
  const command = program
    .command('huge')
    .description('one file larger than any memory or disk: does the memory of the server stay flat')
    .option('--size <size>', 'of the file', toSize, 300 * GiB)
    .addOption(
      new Option('--client <name>', 'a generated stream by ssh2, or a sparse file by the OpenSSH client')
        .choices(HUGE_CLIENTS)
        .default('generated'),
    )
    .option('--write <size>', 'of each WRITE of the generated stream', toSize, 255 * KiB)
    .option('--latency <ms>', 'the sink waits this long before each answer', toCount, 0)
    .option('--env <NAME=VALUE>', 'for the server; may be given again', toEnv, {})
    .option('--stall <seconds>', 'give up the generated stream when nothing moves for so long', toCount, 180);
  withCommonOptions(command).action(huge);
}

function huge(flags: HugeFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('huge', flags);
    const { size, client, write, latency, env, stall } = flags;
    const what = { size, client, writeBytes: write, latencyMs: latency, env };
    const result = await measureHuge({ ...what, stallSeconds: stall, say }, cleanup);
    const report: HugeReport = { ...head, ...what, result };
    await publish(flags, report, hugeTable(report));
    if (result.failure !== undefined || result.faults.length > 0) throw new Error('NOT RIGHT: see above');
  });
}
