import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../cleanup.ts';
import { end } from '../processes.ts';
import type { Account } from './connection.ts';
import type { LoginsOrder, Order, Outcome, Report, Work } from './messages.ts';

const DRIVER = fileURLToPath(new URL('../driver.ts', import.meta.url));

export interface FleetOptions {
  /** One client uploads one file of that name. */
  readonly names: readonly string[];
  readonly account: Account;
  /** Processes that the clients are spread over. */
  readonly drivers: number;
}

export interface FleetWork extends Work {
  /** Uploads of which nothing moves for so long are given up. */
  readonly stallSeconds: number;
}

export interface FleetResult {
  readonly outcomes: readonly Outcome[];
  /** Of all drivers, during the uploads. */
  readonly cpuSeconds: number;
}

/** Clients in a few processes of their own, each logged in and waiting to upload its file. */
export class Fleet {
  readonly #drivers: readonly Driver[];

  private constructor(drivers: readonly Driver[]) {
    this.#drivers = drivers;
  }

  /** Resolves when every client is logged in; rejects when any cannot. */
  static async login({ names, account, drivers }: FleetOptions, cleanup: Cleanup): Promise<Fleet> {
    const count = Math.min(drivers, names.length);
    const shares = Array.from({ length: count }, (_, at) => names.filter((_, index) => index % count === at));
    const fleet = new Fleet(shares.map(() => new Driver(cleanup)));
    const failures = await Promise.all(
      fleet.#drivers.map((driver, at) => driver.login(account, shares[at] as string[])),
    );
    const [first, ...others] = failures.flat();
    if (first !== undefined) {
      throw new Error(`${others.length + 1} of ${names.length} logins failed, the first with: ${first}`);
    }
    return fleet;
  }

  /** Bytes that the server has acknowledged to all clients so far. */
  get acknowledgedBytes(): number {
    return this.#drivers.reduce((sum, driver) => sum + driver.acknowledgedBytes, 0);
  }

  /** Starts all uploads at once and resolves when each has ended, well or not. */
  async upload(work: FleetWork): Promise<FleetResult> {
    const watch = this.#watchForStall(work.stallSeconds);
    try {
      const results = await Promise.all(this.#drivers.map((driver) => driver.upload(work)));
      return {
        outcomes: results.flatMap(({ outcomes }) => outcomes),
        cpuSeconds: results.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      };
    } finally {
      clearInterval(watch);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#drivers.map((driver) => driver.stop()));
  }

  #watchForStall(stallSeconds: number): NodeJS.Timeout {
    let last = { moved: -1, at: performance.now() };
    return setInterval(() => {
      const moved = this.#drivers.reduce((sum, driver) => sum + driver.moved, 0);
      const now = performance.now();
      if (moved !== last.moved) last = { moved, at: now };
      if (now - last.at < stallSeconds * 1000) return;
      for (const driver of this.#drivers) driver.abandon(`given up: nothing moved for ${stallSeconds} s`);
    }, 1000);
  }
}

/** The harness's end of one driver process. */
export class Driver {
  acknowledgedBytes = 0;
  readonly #child: ChildProcess;
  readonly #lost: Promise<never>;
  readonly #outcomes: Outcome[] = [];
  readonly stop: () => Promise<void>;

  constructor(cleanup: Cleanup) {
    this.#child = fork(DRIVER, {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.stop = cleanup.add(() => end(this.#child));
    this.#lost = new Promise((_, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => reject(new Error(`a driver ended with ${signal ?? code}`)));
    });
    this.#lost.catch(() => undefined);
    this.#child.on('message', (report: Report) => {
      if (report.kind === 'progress') this.acknowledgedBytes = report.acknowledgedBytes;
      if (report.kind === 'outcome') this.#outcomes.push(report.outcome);
    });
  }

  /** A number that changes while anything moves. */
  get moved(): number {
    return this.acknowledgedBytes + this.#outcomes.length;
  }

  async login(account: Account, names: readonly string[]): Promise<readonly string[]> {
    const { failures } = await this.#ask({ kind: 'login', account, names }, 'logged-in');
    return failures;
  }

  async upload({ size, writeBytes, bytesPerSecond }: Work): Promise<FleetResult> {
    const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond };
    const { cpuSeconds } = await this.#ask({ kind: 'upload', size, writeBytes, ...pace }, 'finished');
    return { outcomes: this.#outcomes, cpuSeconds };
  }

  /** How long each login took, in milliseconds; rejects when one failed. */
  async logInAndOut(
    order: LoginsOrder,
  ): Promise<{ readonly ms: readonly number[]; readonly cpuSeconds: number }> {
    const { ms, cpuSeconds, failure } = await this.#ask({ kind: 'log-in-and-out', ...order }, 'left');
    if (failure !== undefined) throw new Error(`a login failed: ${failure}`);
    return { ms, cpuSeconds };
  }

  abandon(reason: string): void {
    this.#send({ kind: 'abandon', reason });
  }

  /** Resolves with the report of that kind which answers an order; rejects when the process ends. */
  #ask<K extends Report['kind']>(order: Order, kind: K): Promise<Extract<Report, { kind: K }>> {
    const answer = new Promise<Extract<Report, { kind: K }>>((resolve) => {
      const listen = (report: Report) => {
        if (report.kind !== kind) return;
        this.#child.off('message', listen);
        resolve(report as Extract<Report, { kind: K }>);
      };
      this.#child.on('message', listen);
    });
    this.#send(order);
    return Promise.race([answer, this.#lost]);
  }

  #send(order: Order): void {
    this.#child.send(order);
  }
}
