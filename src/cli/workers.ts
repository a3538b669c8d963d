import cluster, { type Address, type Worker } from 'node:cluster';
import type { Log } from '../contract/log.ts';

/** Pause before a worker takes the place of one that has died, in milliseconds: one that dies at once is not to keep the machine busy. */
const PAUSE_MS = 1000;

/** How often a worker tells of its uploads, in milliseconds. */
const TELL_MS = 5000;

/** What a worker tells: when the oldest of its uploads began, in milliseconds since 1970; null when it has none. */
interface Told {
  readonly oldestUpload: number | null;
}

/** The first worker has ended before it listened, and has said why on stderr. */
export class WorkerFailed extends Error {
  override name = 'WorkerFailed';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`the first worker has ended with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

export interface WorkersOptions {
  readonly count: number;
  /** Variables that they have instead of those of this process. */
  readonly variables: Readonly<Record<string, string>>;
  readonly log: Log;
}

/**
 * Several processes that run the same command and listen on the same port (https://nodejs.org/docs/latest-v20.x/api/cluster.html). One that
 * dies is replaced; what it was doing is gone, and its clients see their connections end.
 */
export class Workers {
  readonly #options: WorkersOptions;
  /** When the oldest upload of each began. */
  readonly #workers = new Map<Worker, number | undefined>();
  readonly #listening = new Set<Worker>();
  #pause: NodeJS.Timeout | undefined;
  #hasStarted = false;
  #isComplete = false;
  #isStopping = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Whether at least one takes connections, and all have had the time to begin with it. */
  get isListening(): boolean {
    return this.#isComplete && this.#listening.size > 0;
  }

  /** Those in progress, the oldest of each worker. */
  uploads(): { readonly startedAt: Date }[] {
    return [...this.#workers.values()].flatMap((at) =>
      at === undefined ? [] : [{ startedAt: new Date(at) }],
    );
  }

  /**
   * Resolves with the address once all listen, or have died at it. The others follow the first: what is wrong with the surroundings is said
   * once. Clients stay for hours where they came in: those that come before the others listen would all stay with the first.
   * Rejects with a WorkerFailed when the first ends instead; undefined when all were stopped before.
   */
  async start(): Promise<Address | undefined> {
    const address = await this.#startFirst();
    const others: Worker[] = [];
    while (!this.#isStopping && this.#workers.size < this.#options.count) others.push(this.#fork());
    await Promise.all(others.map(settled));
    this.#isComplete = true;
    return address;
  }

  /** Lets them end what they have begun. Resolves when all are gone: at the latest after `timeoutMs`, when they are killed. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#pause);
    const gone = [...this.#workers.keys()].map((worker) => {
      // Not a message: one that is starting would not hear it, and has nothing to end.
      worker.process.kill('SIGTERM');
      return new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    });
    const kill = setTimeout(() => {
      for (const worker of this.#workers.keys()) worker.process.kill('SIGKILL');
    }, timeoutMs);
    await Promise.all(gone);
    clearTimeout(kill);
  }

  #startFirst(): Promise<Address | undefined> {
    return new Promise((resolve, reject) => {
      const first = this.#fork();
      first.once('listening', (address) => {
        this.#hasStarted = true;
        resolve(address);
      });
      first.once('exit', (code) => {
        if (this.#isStopping) resolve(undefined);
        else if (!this.#hasStarted) reject(new WorkerFailed(code ?? 1));
      });
    });
  }

  #fork(): Worker {
    const { variables, log } = this.#options;
    const worker = cluster.fork(variables);
    this.#workers.set(worker, undefined);
    worker.on('message', ({ oldestUpload }: Told) => this.#workers.set(worker, oldestUpload ?? undefined));
    worker.once('listening', () => this.#listening.add(worker));
    worker.once('exit', (code, signal) => {
      this.#listening.delete(worker);
      this.#workers.delete(worker);
      if (this.#isStopping || !this.#hasStarted) return;
      log.error(
        { worker: worker.id, code, signal },
        'a worker has ended: what it had open is lost, another takes its place',
      );
      this.#replace();
    });
    return worker;
  }

  #replace(): void {
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined;
      while (!this.#isStopping && this.#workers.size < this.#options.count) this.#fork();
    }, PAUSE_MS);
  }
}

/** It listens, or has gone. */
function settled(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('listening', () => resolve());
    worker.once('exit', () => resolve());
  });
}

/** The number of this worker; undefined in a process that is none. */
export function workerId(): number | undefined {
  return cluster.worker?.id;
}

/** In a worker: aborted by SIGTERM, when all are to stop or this one. A Ctrl-C reaches it too, but is for the process that it belongs to. */
export function stopOfWorker(): AbortSignal {
  const controller = new AbortController();
  process.on('SIGTERM', () => controller.abort());
  process.on('SIGINT', () => undefined);
  return controller.signal;
}

/** In a worker: tells of its uploads again and again until it is to stop. */
export function tellOfUploads(
  uploads: () => readonly { readonly startedAt: Date }[],
  stop: AbortSignal,
): void {
  const tell = () => {
    const told: Told = { oldestUpload: uploads()[0]?.startedAt.getTime() ?? null };
    if (process.connected) process.send?.(told);
  };
  const timer = setInterval(tell, TELL_MS);
  timer.unref();
  stop.addEventListener('abort', () => clearInterval(timer), { once: true });
}
