import type { Config } from '../config/load.ts';
import type { LiveUpload } from '../contract/activity.ts';
import type { Log } from '../contract/log.ts';
import { type HealthOptions, type HealthServer, startHealthServer } from '../health.ts';
import type { HostKey } from '../ssh/host-keys.ts';
import { TaskProtection } from '../task-protection.ts';

/** What is asked of the service as a whole, whichever process answers. */
export function openHealth(
  { host, healthPort: port, trustedProxies }: Config,
  watched: Pick<HealthOptions, 'isReady' | 'answerScrape'>,
): Promise<HealthServer> {
  return startHealthServer({ host, port, takesProxyHeaders: trustedProxies !== undefined, ...watched });
}

/** That uploads are taken, and where. */
export function announce(
  config: Config,
  hostKeys: readonly HostKey[],
  place: Readonly<Record<string, unknown>>,
  log: Log,
): void {
  const keys = hostKeys.map(({ type, fingerprint }) => `${type} ${fingerprint}`);
  log.info({ ...place, backend: config.backend.kind, hostKeys: keys }, 'listening');
  if (config.jobs === undefined) log.warn({}, 'SLUICE_QUEUE_URL is not set: uploads give no jobs');
}

/** Asks ECS to spare the task while long uploads go on, if there is an agent to ask. */
export function protectTask(
  { ecsAgentUri: agentUri }: Config,
  uploads: () => readonly Pick<LiveUpload, 'startedAt'>[],
  log: Log,
  stop: AbortSignal,
): void {
  if (agentUri !== undefined) new TaskProtection({ agentUri, uploads, log }).start(stop);
}
