import { Command, Option } from 'commander';
import { toCount, toEnv } from '../../bench/commands/arguments.ts';
import { ENOUGH, stopAmidUploads, TOO_LITTLE } from './service/drain.ts';
import { killAgainAndAgain } from './service/kill.ts';
import { takeQueueAway } from './service/outage.ts';
import { drainTables, killTables, outageTables } from './service/tables.ts';

// The SDK's notice about coming Node versions says nothing about these runs.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const SCENARIOS = ['kill', 'outage', 'drain'] as const;

interface Flags {
  readonly rounds: number;
  readonly seed: number;
  readonly connections: number;
  readonly outage: number;
  readonly uploads: number;
  readonly silentFirst: boolean;
  readonly jobs: 'acknowledged' | 'every-object';
  readonly env: Readonly<Record<string, string>>;
}

const program = new Command('npm run test:chaos --')
  .description('Kills the built service, takes its queue away, and stops it, under load; see docs/chaos.md.')
  .argument('[scenarios...]', SCENARIOS.join(', '), [...SCENARIOS])
  .option('--rounds <n>', 'kill: how often the server is killed', toCount, 50)
  .option('--seed <n>', 'of the dice', toCount, Date.now() % 1_000_000)
  .option('--connections <n>', 'clients that upload at the same time', toCount, 5)
  .option('--outage <seconds>', 'outage: how long SQS is away', toCount, 60)
  .option('--uploads <n>', 'drain: open at SIGTERM', toCount, 50)
  .option('--silent-first', 'outage: SQS does not answer at first, and refuses later', false)
  .addOption(
    new Option('--jobs <mode>', 'SLUICE_JOBS, and what is promised by it')
      .choices(['acknowledged', 'every-object'])
      .default('acknowledged'),
  )
  .option('--env <NAME=VALUE>', 'further variables of the server; again and again', toEnv, {})
  .showHelpAfterError()
  .action(run);

async function run(scenarios: readonly string[], flags: Flags): Promise<void> {
  const unknown = scenarios.filter((name) => !SCENARIOS.some((known) => known === name));
  if (unknown.length > 0) program.error(`no such scenario: ${unknown.join(', ')}`);
  const { seed, connections, jobs } = flags;
  const everyObject = jobs === 'every-object';
  const env = { ...(everyObject ? { SLUICE_JOBS: jobs } : {}), ...flags.env };
  const common = { seed, connections, env, say };
  say(`seed ${seed}`);
  if (scenarios.includes('kill')) {
    const result = await killAgainAndAgain({ ...common, rounds: flags.rounds, everyObject });
    tell(killTables(result), result.violations.length);
  }
  if (scenarios.includes('outage')) {
    const { outage: seconds, silentFirst } = flags;
    const calmSeconds = Math.max(1, seconds / 6);
    const options = { ...common, seconds, calmSeconds, silentFirst, everyObject };
    const result = await takeQueueAway(options);
    tell(outageTables(result), result.violations.length);
  }
  if (scenarios.includes('drain')) {
    for (const time of [ENOUGH, TOO_LITTLE]) {
      const result = await stopAmidUploads({ ...time, uploads: flags.uploads, seed, env, say });
      tell(drainTables(result), result.violations.length + (result.exitCode === 0 ? 0 : 1));
    }
  }
}

function tell(tables: string, violations: number): void {
  process.stdout.write(`\n${tables}\n\n`);
  if (violations > 0) process.exitCode = 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

// The servers end with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

await program.parseAsync();
