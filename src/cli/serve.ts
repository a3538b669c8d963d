import type { AddressInfo } from 'node:net';
import type { App } from '../app.ts';
import { type Config, effectiveVariables, unknownVariables } from '../config/load.ts';
import { createConfiguredApp } from '../configured-app.ts';
import { type Log, withFields } from '../contract/log.ts';
import type { Probe } from '../contract/probe.ts';
import type { HealthServer } from '../health.ts';
import type { Materials } from '../materials.ts';
import { hasNativeCrypto } from '../ssh/native-crypto.ts';
import { createLogger } from '../telemetry/logger.ts';
import { startTelemetry } from '../telemetry/sdk.ts';
import { announceConsole, Watch } from './console.ts';
import { explain, loadOrExplain, orExplain } from './faults.ts';
import { announce, openHealth, protectTask } from './front.ts';
import { aborted, stopSignal } from './stop-signal.ts';
import { superviseWorkers } from './supervise-workers.ts';
import { stopOfWorker, tellOfUploads, workerId } from './workers.ts';

/** Longest pause between two attempts to reach the bucket or the queue, in milliseconds. */
const LONGEST_PAUSE_MS = 15_000;

export interface ServeOptions {
  /** After how long the users are read again, in milliseconds; as their source has it unless given. */
  readonly rereadMs?: number;
}

/** `sluice serve`: the server, configured by the environment, until SIGTERM or SIGINT. */
export async function serve({ rereadMs }: ServeOptions = {}): Promise<void> {
  const loaded = await loadOrExplain(rereadMs);
  if (loaded === undefined) return;
  const { config, materials } = loaded;
  const log = createLogger(config.logLevel);
  const worker = workerId();
  if (worker !== undefined) return await run(config, materials, asWorker(withFields(log, { worker })));
  log.info({ users: materials.identities.summary, variables: effectiveVariables() }, 'configuration');
  warnOfOddities(log);
  if (config.workers > 1) await superviseWorkers(config, materials, log);
  else await run(config, materials, alone(config, log));
}

/** What differs between a process that is the whole service and one of several. */
interface Role {
  readonly log: Log;
  readonly stop: AbortSignal;
  /** Undefined where another process answers for this one. */
  readonly openHealth: ((watched: Parameters<typeof openHealth>[1]) => Promise<HealthServer>) | undefined;
  readonly onListening: (app: App, address: AddressInfo, health: HealthServer | undefined) => void;
}

function alone(config: Config, log: Log): Role {
  const stop = stopSignal((signal) => log.info({ signal }, 'stopping; once more ends it at once'));
  return {
    log,
    stop,
    openHealth: (watched) => openHealth(config, watched),
    onListening: (app, { address, port }, health) => {
      announce(config, app.hostKeys, { address, port, healthPort: health?.port }, log);
      protectTask(config, () => app.live.uploads(), log, stop);
    },
  };
}

function asWorker(log: Log): Role {
  const stop = stopOfWorker();
  return {
    log,
    stop,
    openHealth: undefined,
    onListening: (app, { port }) => {
      log.info({ port, pid: process.pid }, 'worker listening');
      tellOfUploads(() => app.live.uploads(), stop);
    },
  };
}

async function run(config: Config, materials: Materials, role: Role): Promise<void> {
  const { log, stop } = role;
  const watch = config.console === undefined ? undefined : new Watch();
  const telemetry = await startTelemetry({
    serviceName: config.serviceName,
    log,
    processors: watch === undefined ? [] : [watch.traces],
  });
  const { tracer, metrics, answerScrape } = telemetry;
  const dependencies = { log, tracer, metrics, ...(watch === undefined ? {} : { activity: watch.activity }) };
  const app = await orExplain(() => createConfiguredApp(config, materials, dependencies));
  if (app === undefined) {
    await telemetry.shutdown();
    return process.exit();
  }
  let ready = false;
  try {
    const health = await role.openHealth?.({ isReady: () => ready && !stop.aborted, answerScrape });
    const site = config.console && (await watch?.serve(app, config, config.console));
    if (site !== undefined && config.console !== undefined) announceConsole(site, config.console, log);
    if (await isReachable(app.probes, log, stop)) {
      role.onListening(app, await app.listen(), health);
      ready = true;
      await aborted(stop);
    }
    await close(app, config.drainSeconds, log);
    await site?.close();
    await health?.close();
  } catch (error) {
    explain(error);
    process.exitCode = 1;
  }
  await telemetry.shutdown();
  log.info({}, 'stopped');
  process.exit();
}

async function close(app: App, drainSeconds: number, log: Log): Promise<void> {
  log.info({ drainSeconds }, 'draining: uploads in progress may finish');
  await app.close(drainSeconds);
}

/**
 * Looks for the bucket and the queue until everything is there that uploads cannot do without, with growing pauses. False
 * when the process is to stop meanwhile.
 * @throws when something is wrong that waiting does not mend.
 */
async function isReachable(
  probes: ReadonlyMap<string, Probe>,
  log: Log,
  stop: AbortSignal,
): Promise<boolean> {
  for (let pauseMs = 1000; !stop.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const results = await Promise.all([...probes.values()].map((probe) => probe()));
    const wrong = results.flatMap((result) => (result.state === 'wrong' ? [new Error(result.message)] : []));
    if (wrong.length > 0) throw new AggregateError(wrong);
    const noted = results.flatMap((result) =>
      result.state === 'unchecked' || result.state === 'degraded' ? [result.message] : [],
    );
    for (const message of noted) log.warn({}, message);
    const unreachable = results.flatMap((result) => (result.state === 'unreachable' ? [result.message] : []));
    if (unreachable.length === 0) return true;
    for (const message of unreachable) log.warn({ retryInSeconds: pauseMs / 1000 }, message);
    await Promise.race([aborted(stop), new Promise((resolve) => setTimeout(resolve, pauseMs))]);
  }
  return false;
}

function warnOfOddities(log: Log): void {
  for (const name of unknownVariables()) log.warn({ name }, 'no such variable; is it misspelt?');
  if (!hasNativeCrypto()) {
    log.warn({}, "ssh2's native crypto is not built: every byte costs two to four times the CPU time");
  }
}
