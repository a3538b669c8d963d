import { Command } from 'commander';
import { toCount } from '../../bench/commands/arguments.ts';
import { floodWithGuesses } from './guesses.ts';
import { floodSilently } from './silent.ts';
import { Site } from './site.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

interface Flags {
  readonly silent?: number;
  readonly guesses?: number;
}

const program = new Command('npm run test:flood --')
  .description(
    'Floods the built server from addresses of this machine while a partner works; see CONTRIBUTING.md.',
  )
  .option('--silent <n>', 'connections that say nothing, all the time', toCount)
  .option('--guesses <n>', 'wrong passwords, in all', toCount)
  .action(run);

/** Each flood has a server of its own: what one is punished for does not count in the other. */
async function flood(play: (site: Site) => Promise<boolean>): Promise<void> {
  const site = await Site.open();
  try {
    if (!(await play(site))) process.exitCode = 1;
  } finally {
    await site.close();
  }
}

async function run({ silent, guesses }: Flags): Promise<void> {
  if (silent === undefined && guesses === undefined) program.help({ error: true });
  if (silent !== undefined) await flood((site) => floodSilently(site, silent));
  if (guesses !== undefined) await flood((site) => floodWithGuesses(site, guesses));
}

await program.parseAsync();
