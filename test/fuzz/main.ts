import { Command } from 'commander';
import { toCount } from '../../bench/commands/arguments.ts';
import { fuzzSessions } from './sessions.ts';

interface Flags {
  readonly requests: number;
  readonly seed: number;
}

const program = new Command('npm run test:fuzz --')
  .description('Sends SFTP sessions requests that are right, wrong, or cut anywhere; see CONTRIBUTING.md.')
  .option('--requests <n>', 'in all', toCount, 1_000_000)
  .option('--seed <n>', 'of the dice', toCount, Date.now() % 1_000_000)
  .action(run);

async function run({ requests, seed }: Flags): Promise<void> {
  const startedAt = performance.now();
  const say = (done: number) => process.stderr.write(`${done} of ${requests}, RSS ${rssMiB()} MiB\n`);
  const result = await fuzzSessions({ requests, seed, say });
  const seconds = (performance.now() - startedAt) / 1000;
  const replies = [...result.replies].map(([kind, count]) => `${count} ${kind}`).join(', ');
  process.stdout.write(
    `seed ${seed}: ${result.requests} requests in ${result.sessions} sessions, ${result.abandoned} of them ended by the server, ` +
      `in ${seconds.toFixed(0)} s, RSS ${rssMiB()} MiB\nreplies: ${replies}\nviolations: ${result.violations.length}\n`,
  );
  for (const violation of result.violations.slice(0, 20)) process.stdout.write(`  ${violation}\n`);
  if (result.violations.length > 0) process.exitCode = 1;
}

function rssMiB(): number {
  return Math.round(process.memoryUsage.rss() / 1024 ** 2);
}

await program.parseAsync();
