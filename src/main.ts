#!/usr/bin/env node
import { Command, Option } from 'commander';
import type { AddUserOptions } from './cli/add-user.ts';
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

const several = (value: string, before: readonly string[] = []) => [...before, value];

program
  .command('add-user')
  .description('add a user to the users document; running servers see them within a minute')
  .argument('<username>', '1 to 64 letters, digits or _ . @ + -')
  .option('--public-key <file>', 'a .pub file; may be given again', several)
  .option('--password', 'ask for a password, or read it from a pipe')
  .option(
    '--session <key=value>',
    'an attribute of their sessions, as prefix=tenants/acme/; may be given again',
    several,
  )
  .option('--permissions <list>', 'of list,read,write,delete,rename,mkdir; all unless told')
  .option('--folder <path=target>', 'a folder that they see, as /in=/inbox; may be given again', several)
  .option('--home <path>', 'where their sessions begin; / unless told')
  .addOption(new Option('--file <file>', 'the users document').env('SLUICE_USERS_FILE').conflicts('secret'))
  .addOption(new Option('--secret <arn>', 'the secret that holds it').env('SLUICE_USERS_SECRET'))
  .action(async (username: string, options: AddUserOptions) =>
    (await import('./cli/add-user.ts')).addUserCommand(username, options),
  );

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
