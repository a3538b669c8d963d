import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { Cleanup } from './cleanup.ts';
import { DEFAULT_CIPHER } from './client.ts';
import { caveats, describeMachine } from './machine.ts';
import { type Report, toMarkdown, writeJson } from './report.ts';
import { measureUploads, profileUpload } from './scenarios/upload.ts';
import { GiB, parseSize } from './sizes.ts';
import { TARGET_NAMES, targetNamed } from './targets/all.ts';
import type { Target } from './targets/target.ts';

interface UploadFlags {
  readonly size: number;
  readonly runs: number;
  readonly targets: readonly string[];
  readonly ciphers: readonly string[];
  readonly traces?: true;
  readonly warmUp: number;
  readonly latency: number;
  readonly profile?: true;
  readonly note?: string;
  readonly build: boolean;
  readonly save: boolean;
}

const program = new Command('npm run bench --')
  .description('Measures Sluice against what one could use instead; see bench/README.md.')
  .showHelpAfterError();

program
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
  .option('--profile', 'instead: one run of the first target with the first cipher, under the CPU profiler')
  .option('--note <text>', 'goes into the result')
  .option('--no-build', 'use dist as it is')
  .option('--no-save', 'do not write bench/results')
  .action(upload);

await program.parseAsync();

async function upload(flags: UploadFlags): Promise<void> {
  const cleanup = cleanupOnSignals();
  try {
    if (flags.build) await build();
    await benchUploads(flags, cleanup);
  } catch (error) {
    if (!cleanup.isRunning) say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    await cleanup.run();
  }
}

async function benchUploads(flags: UploadFlags, cleanup: Cleanup): Promise<void> {
  const machine = await describeMachine();
  for (const caveat of caveats(machine)) say(caveat);
  const { targets, skipped } = await present([...flags.targets, ...(flags.traces ? ['sluice-traces'] : [])]);
  for (const { target, reason } of skipped) say(`skipped: ${target}: ${reason}`);
  const options = {
    bytes: flags.size,
    runs: flags.runs,
    targets,
    ciphers: flags.ciphers,
    warmUpBytes: flags.warmUp,
    latencyMs: flags.latency,
    say,
  };
  if (flags.profile) {
    process.stdout.write(`${(await profileUpload(options, cleanup)).join('\n')}\n`);
    return;
  }
  const report: Report = {
    scenario: 'upload',
    date: new Date().toISOString(),
    commandLine: ['npm run bench --', ...process.argv.slice(2).map(quoted)].join(' '),
    note: flags.note,
    bytes: flags.size,
    machine,
    series: await measureUploads(options, cleanup),
    skipped,
  };
  process.stdout.write(`\n${toMarkdown(report)}\n\n`);
  if (flags.save) say(`written: bench/results/${await writeJson(report)}`);
}

/** Targets that are there, and those that are not, with the reason. */
async function present(names: readonly string[]): Promise<{
  readonly targets: readonly Target[];
  readonly skipped: readonly { readonly target: string; readonly reason: string }[];
}> {
  const wanted = [...new Set(names)].map(targetNamed);
  const checked = await Promise.all(wanted.map(async (target) => [target, await target.missing()] as const));
  const skipped = checked.flatMap(([{ name }, reason]) => (reason ? [{ target: name, reason }] : []));
  const targets = checked.flatMap(([target, reason]) => (reason ? [] : [target]));
  if (targets.length === 0) throw new Error('none of the targets is installed');
  return { targets, skipped };
}

async function build(): Promise<void> {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd }).catch((error) => {
    throw new Error(`npm run build failed; --no-build measures dist as it is\n${error.stdout ?? ''}`);
  });
}

/** Ctrl-C and SIGTERM stop the processes and remove the files before they end the bench. */
function cleanupOnSignals(): Cleanup {
  const cleanup = new Cleanup();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void cleanup.run().then(() => process.exit(code)));
  }
  return cleanup;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** As one would type it. */
function quoted(argument: string): string {
  return /^[\w@.,:=+-]+$/.test(argument) ? argument : JSON.stringify(argument);
}

function toSize(text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function toCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function toList(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}
