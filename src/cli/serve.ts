import type { App } from '../app.ts';
import { type Config, effectiveVariables, unknownVariables } from '../config/load.ts';
import { createConfiguredApp } from '../configured-app.ts';
import type { Log } from '../contract/log.ts';
import type { Probe } from '../contract/probe.ts';
import { startHealthServer } from '../health.ts';
import { hasNativeCrypto } from '../ssh/native-crypto.ts';
import { TaskProtection } from '../task-protection.ts';
import { createLogger } from '../telemetry/logger.ts';
import { startTelemetry } from '../telemetry/sdk.ts';
import { announceConsole, Watch } from './console.ts';
import { explain, loadOrExplain, orExplain } from './faults.ts';
import { aborted, stopSignal } from './stop-signal.ts';

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
  log.info({ users: materials.identities.summary, variables: effectiveVariables() }, 'configuration');
  warnOfOddities(log);

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
  const stop = stopSignal((signal) => log.info({ signal }, 'stopping; once more ends it at once'));
  let ready = false;
  try {
    const health = await startHealthServer({
      host: config.host,
      port: config.healthPort,
      isReady: () => ready && !stop.aborted,
      takesProxyHeaders: config.trustedProxies !== undefined,
      answerScrape,
    });
    const site = config.console && (await watch?.serve(app, config, config.console));
    if (site !== undefined && config.console !== undefined) announceConsole(site, config.console, log);
    if (await isReachable(app.probes, log, stop)) {
      const { address, port } = await app.listen();
      const hostKeys = app.hostKeys.map(({ type, fingerprint }) => `${type} ${fingerprint}`);
      log.info(
        { address, port, healthPort: health.port, backend: config.backend.kind, hostKeys },
        'listening',
      );
      if (config.jobs === undefined) log.warn({}, 'SLUICE_QUEUE_URL is not set: uploads give no jobs');
      protectTask(app, config, log, stop);
      ready = true;
      await aborted(stop);
    }
    await close(app, config.drainSeconds, log);
    await site?.close();
    await health.close();
  } catch (error) {
    explain(error);
    process.exitCode = 1;
  }
  await telemetry.shutdown();
  log.info({}, 'stopped');
  process.exit();
}

function protectTask(app: App, { ecsAgentUri: agentUri }: Config, log: Log, stop: AbortSignal): void {
  if (agentUri === undefined) return;
  new TaskProtection({ agentUri, uploads: () => app.live.uploads(), log }).start(stop);
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
