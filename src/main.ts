#!/usr/bin/env node
import { Command } from 'commander';
import { collectRarely } from './cli/garbage-collection.ts';
import { VERSION } from './cli/version.ts';

collectRarely();

/** The commands; each is loaded when it is called, so that none pays for another's dependencies. */
const program = new Command('sluice')
  .description('An SFTP front door to S3: streaming uploads, a trace for every file, one job per delivery.')
  .version(VERSION)
  .showHelpAfterError();

program
  .command('serve')
  .description('run the server; everything is configured by environment variables')
  .action(async () => (await import('./cli/serve.ts')).serve());

program
  .command('dev')
  .description(
    'try it here: S3 and SQS in this process, a demo user, every upload shown with its trace and job',
  )
  .action(async () => (await import('./cli/dev/dev.ts')).dev());

program
  .command('hash-password')
  .description('print the argon2id hash of a password, for the users document')
  .action(async () => (await import('./cli/hash-password.ts')).hashPasswordCommand());

program
  .command('host-key')
  .description('make host keys (ed25519, ECDSA, RSA) and print their fingerprints')
  .argument('[folder]', 'where to write them', 'host-keys')
  .action(async (folder: string) => (await import('./cli/host-key.ts')).hostKeyCommand(folder));

program
  .command('doctor')
  .description('check the configuration, the host keys, the users, the bucket and the queue')
  .action(async () => (await import('./cli/doctor.ts')).doctor());

// The SDK's notice that it will need a newer Node is for those who choose its version, not for those who run this.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

await program.parseAsync();
