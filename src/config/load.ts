import { tmpdir } from 'node:os';
import type { z } from 'zod';
import { homeAttributeOf, toWebhook, type WebhookConfig } from './auth.ts';
import type { AwsConfig } from './aws.ts';
import { type BackendConfig, toBackend } from './backend.ts';
import { crossFaults } from './cross-faults.ts';
import { describeVariables, type Effective } from './effective.ts';
import { ENV_NAMES, type EnvName } from './env-names.ts';
import { type StandardVariables, standardSchema, type Variables, variablesSchema } from './schema.ts';

export type { AwsConfig } from './aws.ts';
export type {
  AssumeRoleConfig,
  BackendConfig,
  FolderConfig,
  ModuleConfig,
  ProcessConfig,
  S3Config,
} from './backend.ts';
export { DEFAULT_PORT } from './values.ts';
export { workerVariables } from './worker-variables.ts';

/** What the service runs by. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly healthPort: number;
  /** Where the console listens; undefined when there is to be none. */
  readonly console: { readonly host: string; readonly port: number } | undefined;
  readonly hostKeys: HostKeysConfig;
  readonly users: UsersConfig;
  readonly backend: BackendConfig;
  readonly jobs: JobsConfig | undefined;
  /** Names of files that are to be renamed when they are whole; `*` and `?` as in a shell. */
  readonly temporaryNames: readonly string[];
  /** What becomes of an upload whose name another file has. */
  readonly duplicates: 'overwrite' | 'reject' | 'version';
  /** Processes that share the port, the memory budget and the spool. */
  readonly workers: number;
  readonly memoryBudgetBytes: number;
  /** Where buffers go that memory has no room for; undefined when they are to wait instead. */
  readonly spool: { readonly folder: string; readonly bytes: number } | undefined;
  readonly maxSessions: number;
  /** Connections of one user, unless their own limit says otherwise; 0: any number. */
  readonly maxSessionsPerUser: number;
  /** Connections of one address that have not logged in. */
  readonly maxStartupsPerSource: number;
  /** CIDRs of addresses that are not punished for failed logins, whatever their number. */
  readonly penaltyExempt: readonly string[];
  /** Whether SHA-1 is offered to clients that know nothing better. */
  readonly sshAlgorithms: 'modern' | 'compatible';
  readonly loginGraceSeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly drainSeconds: number;
  /** Where ECS is asked to spare this task while long uploads go on; undefined: it is not. */
  readonly ecsAgentUri: string | undefined;
  /** CIDRs of the proxies that say by PROXY headers who connects; undefined when clients connect themselves. */
  readonly trustedProxies: readonly string[] | undefined;
  readonly logLevel: string;
  readonly serviceName: string;
  readonly chunkSpans: 'part' | 'each';
  /** Whether `OTEL_EXPORTER_OTLP_*` names a receiver of spans. */
  readonly hasTraceReceiver: boolean;
}

/** A secret of AWS Secrets Manager. */
export interface SecretConfig {
  readonly kind: 'secret';
  /** The one that names it, for messages. */
  readonly variable: EnvName;
  /** Its ARN or its name. */
  readonly secretId: string;
  readonly aws: AwsConfig;
}

export type HostKeysConfig = { readonly kind: 'folder'; readonly folder: string } | SecretConfig;

/** Where the users document is. */
export type UsersDocumentConfig = { readonly kind: 'file'; readonly file: string } | SecretConfig;

export type UsersConfig = UsersDocumentConfig | UserSecretsConfig | WebhookConfig | AuthModuleConfig;

/** Users have a secret each. */
export interface UserSecretsConfig {
  readonly kind: 'secrets';
  readonly variable: EnvName;
  /** Before the name of a user, the name of their secret. */
  readonly prefix: string;
  /** The session attribute that the key prefix comes from; undefined where all users share one. */
  readonly homeAttribute: string | undefined;
  readonly aws: AwsConfig;
}

/** Who may come in is asked of a module. */
export interface AuthModuleConfig {
  readonly kind: 'module';
  readonly module: string;
}

export interface JobsConfig {
  readonly queueUrl: string;
  /** Where uploads are reported that have come to nothing; undefined: nowhere. */
  readonly failureQueueUrl: string | undefined;
  /** Whose jobs a FIFO queue keeps in order: those of one user, or of one key prefix. */
  readonly groupBy: 'principal' | 'prefix';
  /** Whether a job is noted down before its file is there, so that no crash leaves a file without one. */
  readonly everyObject: boolean;
  /** Which file beside it a file's job waits for: `NAME.done`, or `NAME.sha256` with its sum. */
  readonly sidecar: 'done' | 'sha256' | undefined;
  /** Whether files that had their job are reported when they are renamed. */
  readonly reportsRenames: boolean;
  readonly aws: AwsConfig;
}

/** The environment cannot be used; `faults` names every variable that is wrong and what would be right. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the configuration is wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration from the environment, where `overrides` take precedence; an empty variable counts as
 * unset.
 * @throws ConfigError with all faults at once.
 */
export function loadConfig(overrides: Environment = {}, environment: Environment = process.env): Config {
  const merged = Object.entries({ ...environment, ...overrides });
  const env = Object.fromEntries(merged.filter(([, value]) => value !== undefined && value !== ''));
  const variables = variablesSchema.safeParse(env);
  const standard = standardSchema.safeParse(env);
  const faults = [variables, standard].flatMap(({ error }) => toFaults(error));
  faults.push(...crossFaults(env));
  if (!variables.success || !standard.success || faults.length > 0) throw new ConfigError(faults);
  return toConfig(variables.data, standard.data);
}

/** Every variable as it counts, for the log; nothing of one that may hold a secret. */
export function effectiveVariables(environment: Environment = process.env): Effective {
  const env = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  return describeVariables({ ...standardSchema.parse(env), ...variablesSchema.parse(env) });
}

/** Names that look like ours and are not: most likely misspelt. */
export function unknownVariables(environment: Environment = process.env): string[] {
  const known: readonly string[] = ENV_NAMES;
  return Object.keys(environment).filter((name) => name.startsWith('SLUICE_') && !known.includes(name));
}

function toUsers(variables: Variables, aws: AwsConfig, region: string | undefined): UsersConfig {
  const { SLUICE_USERS_SECRET_PREFIX: prefix, SLUICE_AUTH_MODULE: module } = variables;
  if (module !== undefined) return { kind: 'module', module };
  if (prefix !== undefined) {
    const variable = 'SLUICE_USERS_SECRET_PREFIX';
    return { kind: 'secrets', variable, prefix, homeAttribute: homeAttributeOf(variables), aws };
  }
  return toWebhook(variables, region) ?? { kind: 'file', file: variables.SLUICE_USERS_FILE as string };
}

function toFaults(error: z.ZodError | undefined): string[] {
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

function toConfig(variables: Variables, standard: StandardVariables): Config {
  const region = standard.AWS_REGION ?? standard.AWS_DEFAULT_REGION;
  const aws = (specific: string | undefined): AwsConfig => {
    const endpoint = specific ?? standard.AWS_ENDPOINT_URL;
    // A store that is not AWS has no regions, but requests to it are signed for one all the same.
    const signedFor = region ?? (endpoint === undefined ? undefined : 'us-east-1');
    return {
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(signedFor === undefined ? {} : { region: signedFor }),
    };
  };
  const secret = (variable: 'SLUICE_HOST_KEYS_SECRET' | 'SLUICE_USERS_SECRET'): SecretConfig | undefined => {
    const secretId = variables[variable];
    if (secretId === undefined) return undefined;
    return { kind: 'secret', variable, secretId, aws: aws(standard.AWS_ENDPOINT_URL_SECRETS_MANAGER) };
  };
  const queueUrl = variables.SLUICE_QUEUE_URL;
  return {
    host: variables.SLUICE_HOST,
    port: variables.SLUICE_PORT,
    healthPort: variables.SLUICE_HEALTH_PORT,
    console: variables.SLUICE_CONSOLE,
    hostKeys: secret('SLUICE_HOST_KEYS_SECRET') ?? {
      kind: 'folder',
      folder: variables.SLUICE_HOST_KEYS_DIR as string,
    },
    users:
      secret('SLUICE_USERS_SECRET') ??
      toUsers(variables, aws(standard.AWS_ENDPOINT_URL_SECRETS_MANAGER), region),
    backend: toBackend(variables, aws(standard.AWS_ENDPOINT_URL_S3), aws(standard.AWS_ENDPOINT_URL_STS)),
    jobs:
      queueUrl === undefined
        ? undefined
        : {
            queueUrl,
            failureQueueUrl: variables.SLUICE_FAILURE_QUEUE_URL,
            groupBy: variables.SLUICE_QUEUE_GROUP_BY,
            everyObject: variables.SLUICE_JOBS === 'every-object',
            sidecar: variables.SLUICE_SIDECAR === 'off' ? undefined : variables.SLUICE_SIDECAR,
            reportsRenames: variables.SLUICE_RENAME_EVENTS === 'on',
            aws: aws(standard.AWS_ENDPOINT_URL_SQS),
          },
    temporaryNames: variables.SLUICE_TEMP_PATTERNS,
    duplicates: variables.SLUICE_DUPLICATES,
    workers: variables.SLUICE_WORKERS,
    memoryBudgetBytes: variables.SLUICE_MEMORY_BUDGET_MIB * 1024 * 1024,
    spool:
      variables.SLUICE_SPOOL_MIB === 0
        ? undefined
        : {
            folder: variables.SLUICE_SPOOL_DIR ?? tmpdir(),
            bytes: variables.SLUICE_SPOOL_MIB * 1024 * 1024,
          },
    maxSessions: variables.SLUICE_MAX_SESSIONS,
    maxSessionsPerUser: variables.SLUICE_MAX_SESSIONS_PER_USER,
    maxStartupsPerSource: variables.SLUICE_MAX_STARTUPS_PER_ADDRESS,
    penaltyExempt: variables.SLUICE_PENALTY_EXEMPT,
    sshAlgorithms: variables.SLUICE_SSH_ALGORITHMS,
    loginGraceSeconds: variables.SLUICE_LOGIN_GRACE_SECONDS,
    idleTimeoutSeconds: variables.SLUICE_IDLE_TIMEOUT_SECONDS,
    drainSeconds: variables.SLUICE_DRAIN_SECONDS,
    ecsAgentUri: variables.SLUICE_TASK_PROTECTION === 'auto' ? standard.ECS_AGENT_URI : undefined,
    trustedProxies: variables.SLUICE_PROXY_PROTOCOL === 'v2' ? variables.SLUICE_PROXY_TRUSTED : undefined,
    logLevel: variables.SLUICE_LOG_LEVEL,
    serviceName: standard.OTEL_SERVICE_NAME,
    chunkSpans: variables.SLUICE_TRACE_CHUNKS,
    hasTraceReceiver:
      standard.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined ||
      standard.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined,
  };
}
