import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Goes to standard input, which is then closed. */
  readonly input?: string;
}

export interface RunningOptions extends RunOptions {
  /** Makes it the leader of a process group, so that `killGroup` reaches what it starts (`sftp` starts `ssh`). */
  readonly ownGroup?: boolean;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Environment of a child: nothing of ours that could change what it does. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const foreign = /^(SLUICE|AWS|ECS|OTEL|SSH|npm_)_?/;
  const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(inherited), ...extra };
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: environment(options.env),
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Nothing outlives the tests, not even one that failed before it stopped what it had started. */
const started = new Set<Child>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

/** A program that goes on running, its lines of standard output at hand. */
export class Running {
  readonly child: Child;
  readonly lines: string[] = [];
  readonly exited: Promise<Finished>;
  readonly #waiting = new Set<() => void>();
  #stderr = '';
  #ended = false;

  constructor(command: string, args: readonly string[], options: RunningOptions = {}) {
    this.child = spawn(command, args, {
      detached: options.ownGroup ?? false,
      env: environment(options.env),
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdin.on('error', () => undefined);
    this.child.stdin.end(options.input ?? '');
    started.add(this.child);
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const check of [...this.#waiting]) check();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.#ended = true;
        started.delete(this.child);
        resolve({ code, signal, stdout: this.lines.join('\n'), stderr: this.#stderr });
        for (const check of [...this.#waiting]) check();
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the program did not start');
    return this.child.pid;
  }

  /** The first line, past or to come, that matches; rejects when the program ends without one. */
  line(matches: (line: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.lines.find(matches);
        if (found === undefined && !this.#ended) return;
        this.#waiting.delete(check);
        if (found !== undefined) resolve(found);
        else reject(new Error(`it ended without that line:\n${this.lines.join('\n')}\n${this.#stderr}`));
      };
      this.#waiting.add(check);
      check();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }
}
