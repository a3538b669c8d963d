import type { AddressInfo } from 'node:net';
import type { Tracer } from '@opentelemetry/api';
import { matchSubnets } from './addresses/subnets.ts';
import { withLimits } from './auth/with-limits.ts';
import type { BackendResources } from './backends/create.ts';
import { MemoryBudget } from './buffers/budget.ts';
import { holdWindows } from './buffers/hold-windows.ts';
import { Spool } from './buffers/spool.ts';
import { withLimit } from './buffers/with-limit.ts';
import type { Config, JobsConfig } from './config/load.ts';
import type { ActivityListener, LiveSession, LiveUpload } from './contract/activity.ts';
import type { Authenticator } from './contract/auth.ts';
import type { StreamingBackend } from './contract/backend.ts';
import type { CreatedBackend } from './contract/backend-source.ts';
import type { Backlog, JobPublisher } from './contract/jobs.ts';
import type { Log } from './contract/log.ts';
import type { Probe } from './contract/probe.ts';
import type { JobsResources } from './jobs/create.ts';
import type { CreatedJobs } from './jobs/created-jobs.ts';
import { LiveUploads } from './layers/live-uploads.ts';
import { observeLogins } from './layers/observe-logins.ts';
import { observeRequests } from './layers/observe-requests.ts';
import { matchNames } from './layers/temporary-names.ts';
import { withActivity } from './layers/with-activity.ts';
import { withBuffering } from './layers/with-buffering.ts';
import { withDuplicates } from './layers/with-duplicates.ts';
import { withFailureEvents } from './layers/with-failure-events.ts';
import { withFileLimit } from './layers/with-file-limit.ts';
import { withFolders } from './layers/with-folders.ts';
import { withIngestion } from './layers/with-ingestion.ts';
import { withPace } from './layers/with-pace.ts';
import { withPermissions } from './layers/with-permissions.ts';
import { withPublisherTelemetry } from './layers/with-publisher-telemetry.ts';
import { withTelemetry } from './layers/with-telemetry.ts';
import { withoutBuckets } from './layers/without-buckets.ts';
import { UsersInside } from './limits/users-inside.ts';
import { SftpSession } from './sftp/session.ts';
import { Door } from './ssh/door.ts';
import { createProxiedClientFinder } from './ssh/find-client.ts';
import { readFrugally } from './ssh/frugal-socket.ts';
import type { HostKey } from './ssh/host-keys.ts';
import { SshServer } from './ssh/server.ts';
import { SourcePenalties } from './ssh/source-penalties.ts';
import { observeAwsCalls } from './telemetry/aws-calls.ts';
import type { Metrics } from './telemetry/meter.ts';
import { observeService } from './telemetry/observe-service.ts';

/** Largest file that a backend without streaming takes, in bytes: it is held in memory whole. */
const MAX_BUFFERED_FILE_BYTES = 64 * 1024 * 1024;

/**
 * What a connection that waits for memory holds outside of part buffers, in bytes: the packet that waits, another
 * that has come in by half, and the read that brought them, 32 KiB each. Reads of 128 KiB are those of a connection that has taken
 * 512 KiB without a wait, while nobody waits for memory: only those that wait first park that much (docs/adr/0008-frugal-sockets.md).
 */
const CONNECTION_BYTES = 96 * 1024;

/** How the service runs, whatever it is made of. */
export interface AppSettings
  extends Pick<
    Config,
    | 'host'
    | 'port'
    | 'temporaryNames'
    | 'duplicates'
    | 'memoryBudgetBytes'
    | 'spool'
    | 'maxSessions'
    | 'maxSessionsPerUser'
    | 'maxStartupsPerSource'
    | 'penaltyExempt'
    | 'sshAlgorithms'
    | 'loginGraceSeconds'
    | 'idleTimeoutSeconds'
    | 'drainSeconds'
    | 'trustedProxies'
    | 'serviceName'
    | 'chunkSpans'
  > {
  /** Which files have a job, and when; of no account where there are no jobs. */
  readonly deliveries: Pick<JobsConfig, 'sidecar' | 'reportsRenames'>;
}

/** What the service is made of, but for the layers in between. */
export interface AppParts {
  readonly hostKeys: readonly HostKey[];
  /** One that changes meanwhile is told when to begin and to end with that. */
  readonly authenticator: Authenticator & { start?(): void; stop?(): void };
  readonly openBackend: (resources: BackendResources) => Promise<CreatedBackend>;
  /** Undefined where there are no jobs. */
  readonly openJobs: ((resources: JobsResources) => Promise<CreatedJobs>) | undefined;
}

export interface AppDependencies {
  readonly log: Log;
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  /** Hears of uploads that have ended and of jobs that were sent. */
  readonly activity?: ActivityListener;
}

export interface App {
  /** What the backend stands on and the queues, by name. */
  readonly probes: ReadonlyMap<string, Probe>;
  /** What waits to be sent, or to be looked at. */
  readonly backlogs: ReadonlyMap<string, () => Promise<Backlog>>;
  readonly hostKeys: readonly HostKey[];
  /** What is going on at this moment, the oldest first. */
  readonly live: { sessions(): readonly LiveSession[]; uploads(): readonly LiveUpload[] };
  /** Of the memory budget. */
  buffer(): { readonly usedBytes: number; readonly limitBytes: number };
  /** Accepts connections, elsewhere than the settings say when that is given. */
  listen(port?: number, host?: string): Promise<AddressInfo>;
  /** Lets uploads in progress finish for `drainSeconds`, then ends everything. */
  close(drainSeconds: number): Promise<void>;
  /** Lets go of the meter, for one that outlives the service: nothing is reported from then on. */
  stopObserving(): void;
}

/** Without a folder that can be written to the service runs all the same: uploads wait for memory then. */
async function createSpool({ spool }: AppSettings, log: Log): Promise<Spool | undefined> {
  if (spool === undefined) return undefined;
  const created = new Spool(spool.folder, spool.bytes);
  try {
    await created.probe();
    return created;
  } catch (err) {
    log.warn({ err, folder: spool.folder }, 'no spool: the folder cannot be used (SLUICE_SPOOL_DIR)');
    return undefined;
  }
}

/** The composition root: the whole service out of its parts, and the one place that orders the layers. */
export async function createApp(
  settings: AppSettings,
  { hostKeys, authenticator, openBackend, openJobs }: AppParts,
  { log, tracer, metrics, activity }: AppDependencies,
): Promise<App> {
  const budget = new MemoryBudget(settings.memoryBudgetBytes);
  // A reader that stalls keeps what it holds, and uploads must be able to go on all the same.
  const readers = withLimit(budget, () => budget.reservableBytes / 2);
  const spool = await createSpool(settings, log);
  const observe = observeAwsCalls(tracer, metrics);
  const storage = await openBackend({ budget, spool, log, observeAwsCalls: observe });
  const probes = new Map([[storage.standsOn, storage.probe], ...(storage.furtherProbes ?? [])]);

  let backend: StreamingBackend = withBuffering(storage.backend, { maxFileBytes: MAX_BUFFERED_FILE_BYTES });
  if (storage.hasBuckets !== true) backend = withoutBuckets(backend, log);
  backend = withFolders(backend);
  const isTemporary = matchNames(settings.temporaryNames);
  const { outboxStore } = storage;
  const { serviceName, deliveries, duplicates } = settings;
  const jobs = await openJobs?.({ outboxStore, serviceName, log, observeAwsCalls: observe });
  let publisher: JobPublisher | undefined;
  if (jobs !== undefined) {
    for (const [name, probe] of jobs.probes) probes.set(name, probe);
    publisher = withPublisherTelemetry(jobs.publisher, {
      tracer,
      metrics,
      queueUrl: jobs.queues?.jobs,
      failureQueueUrl: jobs.queues?.failures,
      listener: activity,
    });
    backend = withIngestion(backend, { publisher, isTemporary, ...deliveries, log });
  }
  if (duplicates !== 'overwrite') {
    backend = withDuplicates(backend, { policy: duplicates, isTemporary });
  }
  backend = withPermissions(withFileLimit(backend));
  if (publisher !== undefined && jobs?.reportsFailures === true) {
    backend = withFailureEvents(backend, publisher);
  }
  const uploads = new LiveUploads();
  backend = withActivity(backend, { live: uploads, metrics, log, listener: activity });
  backend = withTelemetry(backend, { tracer, metrics, chunkSpans: settings.chunkSpans });
  const inside = new UsersInside(settings);
  backend = withPace(backend, (principal) => inside.pacesOf(principal));

  const toObserver = observeRequests(tracer, log);
  const server = new SshServer({
    hostKeys,
    algorithms: settings.sshAlgorithms,
    log,
    authenticator: withLimits(authenticator),
    enter: (principal) => inside.enter(principal),
    door: new Door({
      maxSessions: settings.maxSessions,
      maxStartupsPerSource: settings.maxStartupsPerSource,
      isExempt: matchSubnets(settings.penaltyExempt),
      penalties: new SourcePenalties(),
    }),
    observeLogin: observeLogins(tracer, metrics, activity),
    findClient: settings.trustedProxies && createProxiedClientFinder(settings.trustedProxies, log),
    toSocket: (accepted) => readFrugally(accepted, () => budget.waiting > 0),
    holdConnection: () => budget.charge(CONNECTION_BYTES),
    holdWindow: holdWindows(budget),
    loginGraceSeconds: settings.loginGraceSeconds,
    idleTimeoutSeconds: settings.idleTimeoutSeconds,
    drainSeconds: settings.drainSeconds,
    openSession: (principal, connection, transport) => {
      const observer = toObserver(principal, connection);
      const { onFault } = observer;
      return new SftpSession({
        backend,
        principal,
        connection,
        transport,
        observer,
        memory: readers,
        pace: inside.pacesOf(principal)?.downloads,
        onFault,
      });
    },
  });

  const stopObserving = observeService(metrics, {
    backendName: backend.name,
    budget,
    spool,
    uploads,
    sessions: () => server.sessions().length,
    outboxes: jobs?.outboxStates,
  });
  return {
    probes,
    backlogs: jobs?.backlogs ?? new Map(),
    hostKeys,
    live: { sessions: () => server.sessions(), uploads: () => uploads.list() },
    stopObserving,
    buffer: () => ({ usedBytes: budget.usedBytes, limitBytes: budget.limitBytes }),
    listen: async (port = settings.port, host = settings.host) => {
      const address = await server.listen(port, host);
      authenticator.start?.();
      storage.start();
      jobs?.start();
      return address;
    },
    close: async (drainSeconds) => {
      authenticator.stop?.();
      await server.close(drainSeconds);
      await jobs?.publisher.close();
      await storage.close();
    },
  };
}
