import { type Emulators, startEmulators } from '../../src/cli/dev/emulators.ts';
import { receiveJobs } from '../../src/cli/dev/receive-jobs.ts';
import type { JobEvent, UploadFinishedEvent } from '../../src/jobs/event.ts';
import { EventLog, type EventOf } from './event-log.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type Finished, Running, run } from './processes.ts';
import { TEST_CREDENTIALS, TEST_REGION } from './s3-subject.ts';
import { type StrictS3, type StrictS3Options, startStrictS3 } from './strict-s3/server.ts';
import { createWorkspace, USERNAME, type Workspace, type WorkspaceOptions } from './workspace.ts';

export const BUCKET = 'uploads';
export const PREFIX = 'tenants/acme/';

export const COMMAND = ['dist/main.js'] as const;

/** The surroundings of a service: a strict S3, an SQS with faults on demand, and a workspace. */
export interface Surroundings {
  readonly s3: StrictS3;
  readonly sqs: FaultProxy;
  readonly workspace: Workspace;
  /** What `sluice serve` needs, on free ports. */
  readonly env: Readonly<Record<string, string>>;
  /** Every job that has arrived so far. */
  readonly jobs: readonly UploadFinishedEvent[];
  /** Resolves with the job of a path, past or to come. */
  job(path: string): Promise<UploadFinishedEvent>;
  /** The same for events of any type. */
  event<T extends JobEvent['type']>(type: T, path: string): Promise<EventOf<T>>;
  close(): Promise<void>;
}

export interface SurroundingsOptions extends WorkspaceOptions, Pick<StrictS3Options, 'onStored'> {
  /** Told of each job in the moment in which it is received. */
  readonly onJob?: (job: UploadFinishedEvent) => void;
  /** False leaves the jobs in the queue, for another consumer; `jobs` and `job` then know of none (default true). */
  readonly receivesJobs?: boolean;
}

export async function createSurroundings({
  onStored,
  onJob,
  receivesJobs = true,
  ...options
}: SurroundingsOptions = {}): Promise<Surroundings> {
  const workspace = await createWorkspace(options);
  const s3 = await startStrictS3({ buckets: [BUCKET], ...(onStored === undefined ? {} : { onStored }) });
  const emulators: Emulators = await startEmulators();
  const sqs = await startFaultProxy(emulators.aws.endpoint);
  const jobs: UploadFinishedEvent[] = [];
  const received = new EventLog();
  const receive = async (event: JobEvent) => {
    if (event.type === 'sluice.upload.finished.v1') {
      jobs.push(event);
      onJob?.(event);
    }
    received.add(event);
  };
  const { aws, queueUrl } = emulators;
  const stopReceiving = receivesJobs ? receiveJobs({ aws, queueUrl }, receive) : undefined;
  return {
    s3,
    sqs,
    workspace,
    jobs,
    env: {
      SLUICE_HOST: '127.0.0.1',
      SLUICE_PORT: '0',
      SLUICE_HEALTH_PORT: '0',
      SLUICE_HOST_KEYS_DIR: workspace.hostKeysDir,
      SLUICE_USERS_FILE: workspace.usersFile,
      SLUICE_BUCKET: BUCKET,
      SLUICE_PREFIX: 'session:prefix',
      SLUICE_QUEUE_URL: emulators.queueUrl,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_SQS: sqs.endpoint,
      AWS_REGION: TEST_REGION,
      AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'none',
    },
    job: (path) => received.event('sluice.upload.finished.v1', path),
    event: (type, path) => received.event(type, path),
    close: async () => {
      await stopReceiving?.();
      await sqs.close();
      await emulators.stop();
      await s3.close();
      await workspace.remove();
    },
  };
}

/** `sluice serve` as a process of its own. */
export interface Service {
  readonly running: Running;
  readonly port: number;
  readonly healthPort: number;
  /** Log records whose message is `message`. */
  logged(message: string): Record<string, unknown>[];
  /** Resolves with the first log record that matches, past or to come. */
  log(matches: (record: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** SIGTERM, then the end of the process. */
  stop(): Promise<Finished>;
}

/** `sluice serve` that reads its users again all the time, so that no test waits for a minute. */
export const SERVE_REREADING = [
  '--input-type=module',
  '--eval',
  "import { serve } from './dist/cli/serve.js'; await serve({ rereadMs: 50 });",
] as const;

/** `args` of Node start something else than the command as it is. */
export async function startService(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [...COMMAND, 'serve'],
): Promise<Service> {
  const running = new Running(process.execPath, args, { env });
  const parse = (line: string) => JSON.parse(line) as Record<string, unknown>;
  const log = async (matches: (record: Record<string, unknown>) => boolean) =>
    parse(await running.line((line) => matches(parse(line))));
  const { port, healthPort } = await log(({ msg }) => msg === 'listening');
  return {
    running,
    port: Number(port),
    healthPort: Number(healthPort),
    log,
    logged: (message) => running.lines.map(parse).filter(({ msg }) => msg === message),
    stop: () => {
      running.kill('SIGTERM');
      return running.exited;
    },
  };
}

/** Options that every OpenSSH client is called with: this service's key, no prompt, nothing of the user's. */
export function sshOptions(workspace: Workspace): string[] {
  const options = {
    IdentityFile: workspace.identity,
    IdentitiesOnly: 'yes',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: workspace.path('known_hosts'),
    LogLevel: 'ERROR',
    BatchMode: 'yes',
  };
  return ['-F', 'none', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

/** Runs commands through the real `sftp -b -`: it stops at the first that fails, with exit code 1. */
export function sftp(
  { port }: { readonly port: number },
  workspace: Workspace,
  commands: readonly string[],
  extra: readonly string[] = [],
): Promise<Finished> {
  const args = [...sshOptions(workspace), ...extra, '-P', String(port), '-b', '-', `${USERNAME}@127.0.0.1`];
  return run('sftp', args, { input: `${commands.join('\n')}\n` });
}

/** Runs the real `scp` with these sources and target. */
export function scp(
  { port }: { readonly port: number },
  workspace: Workspace,
  args: readonly string[],
): Promise<Finished> {
  return run('scp', [...sshOptions(workspace), '-P', String(port), ...args]);
}

/** `user@host:path` for scp. */
export function remote(path: string): string {
  return `${USERNAME}@127.0.0.1:${path}`;
}
