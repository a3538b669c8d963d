import { z } from 'zod';
import { parseJson } from '../contract/json.ts';
import type { EnvName } from './env-names.ts';
import {
  DEFAULT_PORT,
  externalId,
  httpUrl,
  isCidr,
  isNamePattern,
  keyPrefix,
  LIMITS,
  type Limits,
  PRIVATE_SUBNETS,
  roleArn,
  TEMPORARY_NAMES,
  toCidr,
  wholeNumberFault,
} from './values.ts';

/** A whole number within limits; the message follows from them. */
function wholeNumber({ min, max, fallback }: Limits) {
  const error = wholeNumberFault({ min, max });
  return z
    .string()
    .regex(/^\d+$/, error)
    .transform(Number)
    .pipe(z.number().min(min, error).max(max, error))
    .default(fallback);
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T, fallback: T[number]) {
  return z.enum(values, { error: `must be one of: ${values.join(', ')}` }).default(fallback);
}

/** Names, comma-separated, in which `*` and `?` stand for others; `none` for no name at all. */
function namePatterns(fallback: readonly string[]) {
  return z
    .string()
    .default(fallback.join(','))
    .transform((text) => (text === 'none' ? [] : text.split(',').map((pattern) => pattern.trim())))
    .refine(
      (patterns) => patterns.every(isNamePattern),
      'must be patterns of names, separated by commas (*.filepart, .in.*), or none',
    );
}

/** CIDRs, comma-separated; an address alone is a subnet of one. `none` stands for no subnet at all, where that makes sense. */
function subnets(fallback: readonly string[], { none = false } = {}) {
  return z
    .string()
    .default(fallback.join(','))
    .transform((text) =>
      none && text === 'none' ? [] : text.split(',').map((subnet) => toCidr(subnet.trim())),
    )
    .refine(
      (cidrs) => cidrs.every(isCidr),
      `must be subnets, separated by commas (10.0.0.0/8, 2001:db8::/56)${none ? ', or none' : ''}`,
    );
}

const ADDRESS_FAULT =
  'must be host:port (127.0.0.1:9090, [::1]:9090) or a port alone, which is one of 127.0.0.1 (9090)';

/** Where something for this machine alone listens, unless a host is given. */
const loopbackAddress = z
  .string()
  .regex(/^(?:(?:\[[\da-fA-F:.]+\]|[\w.-]+):)?\d{1,5}$/, ADDRESS_FAULT)
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    const host = colon === -1 ? '127.0.0.1' : text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return { host, port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, ADDRESS_FAULT);

/** A path, absolute or from the working directory, a `file:` URL, or the name of a package, with or without a path in it. */
const MODULE = /^(?:\.{0,2}\/.+|file:\/\/.+|(?:@[a-z\d~-][a-z\d._~-]*\/)?[a-z\d~-][a-z\d._~-]*(?:\/.+)?)$/;

/** Passwords go there: in the clear to this machine alone. */
const webhookUrl = httpUrl.refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}, 'must be an https URL: passwords go there');

/** Names of secrets have 512 characters at most, and those of users 64. */
const secretPrefix = z
  .string()
  .regex(/^[\w/+=.@-]{1,448}$/, 'must be what the names of the secrets begin with: SFTP/');

/** A backend elsewhere: how it is reached, and where. */
export const PROCESS_BACKEND = /^(unix|worker|fork):(.+)$/;

/** It may hold secrets, so nothing of it is shown. */
const jsonObject = z.string().transform((text, context) => {
  const fault = (message: string) => {
    context.addIssue(message);
    return z.NEVER;
  };
  try {
    const json = parseJson(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
    return fault('must be a JSON object: {"root": "/srv/files"}');
  } catch (error) {
    return fault(`must be a JSON object: ${(error as Error).message}`);
  }
});

/** The variables one by one, with their defaults; README.md has the same table for people. */
const variables = {
  SLUICE_HOST: z.string().default('0.0.0.0'),
  SLUICE_PORT: wholeNumber({ ...LIMITS.port, fallback: DEFAULT_PORT }),
  SLUICE_HEALTH_PORT: wholeNumber({ ...LIMITS.port, fallback: 8080 }),
  SLUICE_CONSOLE: loopbackAddress.optional(),
  SLUICE_HOST_KEYS_DIR: z.string().optional(),
  SLUICE_HOST_KEYS_SECRET: z.string().optional(),
  SLUICE_USERS_FILE: z.string().optional(),
  SLUICE_USERS_SECRET: z.string().optional(),
  SLUICE_USERS_SECRET_PREFIX: secretPrefix.optional(),
  SLUICE_AUTH_URL: webhookUrl.optional(),
  SLUICE_AUTH_SECRET: z.string().min(16, 'must be 16 characters or more').optional(),
  SLUICE_AUTH_SIGN: oneOf(['off', 'lambda', 'execute-api'], 'off'),
  SLUICE_AUTH_TIMEOUT_SECONDS: wholeNumber(LIMITS.authTimeoutSeconds),
  SLUICE_AUTH_MODULE: z
    .string()
    .regex(MODULE, 'must be a module: ./path/to/authenticator.js or the name of a package')
    .optional(),
  SLUICE_BACKEND: z
    .string()
    .refine(
      (text) => MODULE.test(text) || PROCESS_BACKEND.test(text),
      'must be s3, folder, memory, or a module: ./path/to/backend.js or the name of a package; or unix:SOCKET, worker:MODULE or fork:MODULE',
    )
    .default('s3'),
  SLUICE_BACKEND_OPTIONS: jsonObject.optional(),
  SLUICE_BUCKET: z.string().optional(),
  SLUICE_PREFIX: keyPrefix.default(''),
  SLUICE_ASSUME_ROLE_ARN: roleArn.optional(),
  SLUICE_ASSUME_ROLE_EXTERNAL_ID: externalId.optional(),
  SLUICE_STALE_UPLOAD_HOURS: wholeNumber(LIMITS.staleUploadHours),
  SLUICE_FOLDER: z.string().optional(),
  SLUICE_QUEUE_URL: httpUrl.optional(),
  SLUICE_QUEUE_GROUP_BY: oneOf(['principal', 'prefix'], 'principal'),
  SLUICE_FAILURE_QUEUE_URL: httpUrl.optional(),
  SLUICE_JOBS: oneOf(['acknowledged', 'every-object'], 'acknowledged'),
  SLUICE_TEMP_PATTERNS: namePatterns(TEMPORARY_NAMES),
  SLUICE_DUPLICATES: oneOf(['overwrite', 'reject', 'version'], 'overwrite'),
  SLUICE_RENAME_EVENTS: oneOf(['off', 'on'], 'off'),
  SLUICE_SIDECAR: oneOf(['off', 'done', 'sha256'], 'off'),
  SLUICE_MEMORY_BUDGET_MIB: wholeNumber(LIMITS.memoryBudgetMib),
  SLUICE_SPOOL_DIR: z.string().optional(),
  SLUICE_SPOOL_MIB: wholeNumber(LIMITS.spoolMib),
  SLUICE_WORKERS: wholeNumber(LIMITS.workers),
  SLUICE_MAX_SESSIONS: wholeNumber(LIMITS.maxSessions),
  SLUICE_MAX_SESSIONS_PER_USER: wholeNumber(LIMITS.maxSessionsPerUser),
  SLUICE_MAX_STARTUPS_PER_ADDRESS: wholeNumber(LIMITS.maxStartupsPerAddress),
  SLUICE_PENALTY_EXEMPT: subnets(PRIVATE_SUBNETS, { none: true }),
  SLUICE_SSH_ALGORITHMS: oneOf(['modern', 'compatible'], 'modern'),
  SLUICE_LOGIN_GRACE_SECONDS: wholeNumber(LIMITS.loginGraceSeconds),
  SLUICE_IDLE_TIMEOUT_SECONDS: wholeNumber(LIMITS.idleTimeoutSeconds),
  SLUICE_DRAIN_SECONDS: wholeNumber(LIMITS.drainSeconds),
  SLUICE_TASK_PROTECTION: oneOf(['auto', 'off'], 'auto'),
  SLUICE_PROXY_PROTOCOL: oneOf(['off', 'v2'], 'off'),
  SLUICE_PROXY_TRUSTED: subnets(PRIVATE_SUBNETS),
  SLUICE_LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
  SLUICE_TRACE_CHUNKS: oneOf(['part', 'each'], 'part'),
} satisfies Record<EnvName, z.ZodType>;

/** Standard variables whose values are needed here and not only inside the SDKs. */
const standard = {
  AWS_ENDPOINT_URL: httpUrl.optional(),
  AWS_ENDPOINT_URL_S3: httpUrl.optional(),
  AWS_ENDPOINT_URL_SQS: httpUrl.optional(),
  AWS_ENDPOINT_URL_STS: httpUrl.optional(),
  AWS_ENDPOINT_URL_SECRETS_MANAGER: httpUrl.optional(),
  AWS_REGION: z.string().optional(),
  AWS_DEFAULT_REGION: z.string().optional(),
  ECS_AGENT_URI: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional(),
  OTEL_SERVICE_NAME: z.string().default('sluice'),
};

export const variablesSchema = z.object(variables);
export const standardSchema = z.object(standard);

export type Variables = z.infer<typeof variablesSchema>;
export type StandardVariables = z.infer<typeof standardSchema>;
