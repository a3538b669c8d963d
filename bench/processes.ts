import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { Cleanup } from './cleanup.ts';

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface ServerCommand<T> extends Command {
  /** Given every line of output: what it tells when the server is ready. */
  readonly ready: (line: string) => T | undefined;
  /** Called with the process in the moment in which it is there. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
}

export interface ServerProcess<T> {
  readonly pid: number;
  readonly ready: T;
  /** SIGTERM, and SIGKILL when that does not help. */
  stop(): Promise<void>;
}

/** Time a server has to start, and to stop, in milliseconds. */
const START_MS = 30_000;
const STOP_MS = 10_000;

/** Lines of output kept to explain a failure. */
const KEPT_LINES = 20;

/** Starts a server and resolves when it says that it is ready. It is stopped at the latest by the cleanup. */
export async function startServer<T>(server: ServerCommand<T>, cleanup: Cleanup): Promise<ServerProcess<T>> {
  const { command, args, env, ready, onSpawn } = server;
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) onSpawn?.(child.pid);
  const stop = cleanup.add(() => end(child));
  const lines: string[] = [];
  const says = new Promise<T>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        const told = ready(line);
        if (told !== undefined) resolve(told);
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(`it ended with ${signal ?? code}`)));
    setTimeout(() => reject(new Error(`not ready after ${START_MS / 1000} s`)), START_MS).unref();
  });
  try {
    return { ready: await says, pid: child.pid as number, stop };
  } catch (error) {
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error([`${command} did not start: ${reason}`, ...lines].join('\n'));
  }
}

/** Runs a command to its end, telling its output by the line. Rejects with what it wrote when it fails. */
export async function run(
  { command, args, env, onLine }: Command & { readonly onLine?: (line: string) => void },
  cleanup: Cleanup,
): Promise<void> {
  const child = spawn(command, args, { env, stdio: ['ignore', onLine ? 'pipe' : 'ignore', 'pipe'] });
  const ended = cleanup.add(() => end(child));
  const output = onLine && child.stdout ? linesOf(child.stdout, onLine) : undefined;
  let complaint = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes.toString()).slice(-2000);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} failed with ${signal ?? code}: ${complaint.trim()}`));
    });
  }).finally(ended);
  await output;
}

async function linesOf(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface(stream)) onLine(line);
}

/** What a command prints on stdout and stderr together; undefined when it cannot be run or fails. */
export async function outputOf(command: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args);
    return `${stdout}${stderr}`.trim();
  } catch {
    return undefined;
  }
}

/** The full path of a program, looked for in PATH and where daemons are kept. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  for (const folder of folders) {
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/** A port that was free a moment ago, for who cannot choose one themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      server.close(() => (port === undefined ? reject(new Error('no free port')) : resolve(port)));
    });
  });
}

/** Ends a process: SIGTERM, and SIGKILL when that does not help. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(force);
}
