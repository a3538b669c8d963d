import { Command } from 'commander';
import { toCount } from '../../bench/commands/arguments.ts';
import { attackWorld, WORLDS } from './worlds.ts';

interface Flags {
  readonly operations: number;
  readonly seed: number;
}

const program = new Command('npm run test:traversal --')
  .description(
    'Tries every spelling of a path with every operation, in every arrangement of tenants; see CONTRIBUTING.md.',
  )
  .argument('[world]', 'part of the name of an arrangement; all of them when absent', '')
  .option('--operations <n>', 'with which each spelling is tried', toCount, 1000)
  .option('--seed <n>', 'of the dice that choose them', toCount, 1)
  .action(run);

async function run(name: string, { operations, seed }: Flags): Promise<void> {
  for (const world of WORLDS.filter((each) => each.name.includes(name))) {
    const startedAt = performance.now();
    const { spellings, pairs, requests, violations } = await attackWorld(world, {
      operations,
      seed,
    });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    process.stdout.write(
      `${world.name}: ${spellings} spellings, ${pairs} operations, ${requests} requests in ${seconds} s, ${violations.length} violations\n`,
    );
    for (const violation of violations.slice(0, 20)) process.stdout.write(`  ${violation}\n`);
    if (violations.length > 0) process.exitCode = 1;
  }
}

await program.parseAsync();
