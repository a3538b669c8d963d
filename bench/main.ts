import { Command } from 'commander';
import { addConcurrent } from './commands/concurrent.ts';
import { addHuge } from './commands/huge.ts';
import { addListing } from './commands/listing.ts';
import { addLogins } from './commands/logins.ts';
import { addLone } from './commands/lone.ts';
import { addMany } from './commands/many.ts';
import { addPace } from './commands/pace.ts';
import { addProcess } from './commands/process.ts';
import { addSmall } from './commands/small.ts';
import { addSmallTask } from './commands/small-task.ts';
import { addStartup } from './commands/startup.ts';
import { addTelemetry } from './commands/telemetry.ts';
import { addDownload, addUpload } from './commands/transfer.ts';
import { addWorkers } from './commands/workers.ts';

const program = new Command('npm run bench --')
  .description('Measures Sluice against what one could use instead; see bench/README.md.')
  .showHelpAfterError();

for (const add of [
  addUpload,
  addDownload,
  addProcess,
  addConcurrent,
  addHuge,
  addListing,
  addMany,
  addSmall,
  addLone,
  addLogins,
  addTelemetry,
  addPace,
  addStartup,
  addSmallTask,
  addWorkers,
])
  add(program);

await program.parseAsync();
