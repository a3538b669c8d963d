import type { Cleanup } from '../cleanup.ts';
import { accountOn } from '../driver/account.ts';
import type { Account } from '../driver/connection.ts';
import { Driver } from '../driver/fleet.ts';
import { meter } from '../measure/meter.ts';
import { percentile } from '../measure/statistics.ts';
import { openSite, type Site } from '../site.ts';
import type { Target } from '../targets/target.ts';

/** What is done: it stands in the report too. */
export interface LoginsWork {
  /** Of each run. */
  readonly logins: number;
  /** Before each run, to the same server, not measured. */
  readonly warmUp: number;
  /** Processes that the clients are spread over. */
  readonly drivers: number;
}

export interface LoginsOptions extends LoginsWork {
  /** One row for each: so many clients log in again and again. */
  readonly atOnce: readonly number[];
  readonly runs: number;
  readonly targets: readonly Target[];
  readonly say: (line: string) => void;
}

export interface LoginsFigures {
  readonly wallSeconds: number;
  /** From the connection to the answer to INIT, in milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly serverCpuSeconds: number | undefined;
  readonly clientCpuSeconds: number;
}

/** The runs of one target with so many clients. */
export interface LoginsSeries {
  readonly target: string;
  readonly atOnce: number;
  readonly runs: readonly LoginsFigures[];
}

/** Clients that log in, open the SFTP subsystem and leave. Targets take turns, so that what disturbs hits them all. */
export async function measureLogins(options: LoginsOptions, cleanup: Cleanup): Promise<LoginsSeries[]> {
  const { atOnce, runs, targets, say } = options;
  const site = await openSite(cleanup, { latencyMs: 0 });
  const drivers = Array.from({ length: options.drivers }, () => new Driver(cleanup));
  const all = targets.flatMap((target) =>
    atOnce.map((clients) => ({ target, clients, runs: [] as LoginsFigures[] })),
  );
  for (let run = 1; run <= runs; run++) {
    for (const { target, clients, runs: done } of all) {
      const figures = await runOnce(site, drivers, target, clients, options);
      done.push(figures);
      const rate = (options.logins / figures.wallSeconds).toFixed(0);
      say(`run ${run} of ${runs}, ${target.name}, ${clients} at once: ${rate} logins/s`);
    }
  }
  await Promise.all(drivers.map((driver) => driver.stop()));
  return all.map(({ target, clients, runs }) => ({ target: target.name, atOnce: clients, runs }));
}

async function runOnce(
  site: Site,
  drivers: readonly Driver[],
  target: Target,
  atOnce: number,
  { logins, warmUp }: LoginsWork,
): Promise<LoginsFigures> {
  const server = await target.start(site);
  try {
    const account = await accountOn(site, server);
    await logInAll(drivers, account, warmUp, atOnce);
    let done = { ms: [] as number[], cpuSeconds: 0 };
    const { wallSeconds, serverCpuSeconds } = await meter(
      { serverPid: server.pid, sinkPid: site.sink.pid },
      async () => {
        done = await logInAll(drivers, account, logins, atOnce);
      },
    );
    return {
      wallSeconds,
      p50Ms: percentile(done.ms, 50),
      p95Ms: percentile(done.ms, 95),
      serverCpuSeconds,
      clientCpuSeconds: done.cpuSeconds,
    };
  } finally {
    await server.stop();
  }
}

/** Shares logins and clients out to the drivers: a single client is one of the first driver. */
async function logInAll(drivers: readonly Driver[], account: Account, logins: number, atOnce: number) {
  const active = drivers.slice(0, Math.min(atOnce, drivers.length));
  const share = (whole: number, at: number) => Math.floor((whole + at) / active.length);
  const done = await Promise.all(
    active.map((driver, at) =>
      driver.logInAndOut({ account, logins: share(logins, at), atOnce: share(atOnce, at) }),
    ),
  );
  return {
    ms: done.flatMap(({ ms }) => ms),
    cpuSeconds: done.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}
