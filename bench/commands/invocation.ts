import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { Cleanup } from '../cleanup.ts';
import { caveats, describeMachine } from '../machine.ts';
import { footOf, type Heading, writeResult } from '../report.ts';

/** What every scenario's command can be told. */
export interface CommonFlags {
  readonly note?: string;
  readonly build: boolean;
  readonly save: boolean;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--note <text>', 'goes into the result')
    .option('--no-build', 'use dist as it is')
    .option('--no-save', 'do not write bench/results');
}

/**
 * Runs a scenario: builds first, says what a reader must know of the machine, and undoes everything however it
 * ends. A failure is one line and the exit code 1.
 */
export async function invoke(flags: CommonFlags, work: (cleanup: Cleanup) => Promise<void>): Promise<void> {
  const cleanup = cleanupOnSignals();
  try {
    if (flags.build) await build();
    await work(cleanup);
  } catch (error) {
    if (!cleanup.isRunning) say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    await cleanup.run();
  }
}

/** What stands at the head of every result. Call it before the work: it tells how busy the machine was. */
export async function heading(scenario: string, { note }: CommonFlags): Promise<Heading> {
  const machine = await describeMachine();
  for (const caveat of caveats(machine)) say(caveat);
  const commandLine = ['npm run bench --', ...process.argv.slice(2).map(quoted)].join(' ');
  return { scenario, date: new Date().toISOString(), commandLine, note, machine };
}

/** Prints the table and writes the result, unless that is not wanted. */
export async function publish(
  flags: CommonFlags,
  report: Heading,
  table: string,
  plot?: (foot: readonly string[]) => string,
): Promise<void> {
  process.stdout.write(`\n${table}\n\n`);
  if (!flags.save) return;
  const names = await writeResult(report, { table, plot: plot?.(footOf(report)) });
  for (const name of names) say(`written: bench/results/${name}`);
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function build(): Promise<void> {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
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

/** As one would type it. */
function quoted(argument: string): string {
  return /^[\w@.,:=+-]+$/.test(argument) ? argument : JSON.stringify(argument);
}
