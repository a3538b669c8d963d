import { isIP } from 'node:net';
import { z } from 'zod';
import type { EnvName } from './env-names.ts';

/** Where SFTP listens unless `SLUICE_PORT` says otherwise: 22 takes privileges that the server should not have. */
export const DEFAULT_PORT = 2222;

/**
 * What clients call a file until it is whole: WinSCP, rclone, browsers and curl scripts, many tools, lftp, rsync
 * (docs/jobs.md tells which is which).
 */
const TEMPORARY_NAMES = ['*.filepart', '*.partial', '*.part', '*.tmp', '.in.*', '.*.??????'];

/**
 * Where load balancers have their addresses: private networks (RFC 1918, RFC 4193), the shared space of carriers, which VPCs may have too
 * (RFC 6598), and this machine.
 */
const PRIVATE_SUBNETS = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
  '127.0.0.0/8',
  '::1/128',
];

/** A whole number within limits; the message follows from them. */
function wholeNumber(min: number, max: number, fallback: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, error)
    .transform(Number)
    .pipe(z.number().min(min, error).max(max, error))
    .default(fallback);
}

/** What a later release will bring: set today, it is refused rather than ignored. */
function notYet(what: string) {
  return z.undefined({ error: `${what} is not supported yet; leave it unset` }).optional();
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
      (patterns) => patterns.every((pattern) => /^[^/]{1,255}$/.test(pattern) && !/^\*+$/.test(pattern)),
      'must be patterns of names, separated by commas (*.filepart, .in.*), or none',
    );
}

/** CIDRs, comma-separated; an address alone is a subnet of one. */
function subnets(fallback: readonly string[]) {
  return z
    .string()
    .default(fallback.join(','))
    .transform((text) => text.split(',').map((subnet) => toCidr(subnet.trim())))
    .refine(
      (cidrs) => cidrs.every(isCidr),
      'must be subnets, separated by commas (10.0.0.0/8, 2001:db8::/56)',
    );
}

function toCidr(subnet: string): string {
  const family = isIP(subnet);
  return family === 0 ? subnet : `${subnet}/${family === 4 ? 32 : 128}`;
}

function isCidr(subnet: string): boolean {
  const [, address = '', prefix] = /^([\da-fA-F.:]+)\/(\d{1,3})$/.exec(subnet) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
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

/** A backend elsewhere: how it is reached, and where. */
const processBackend = z
  .templateLiteral([z.enum(['unix', 'worker', 'fork']), ':', z.string().min(1)])
  .transform((text) => {
    const colon = text.indexOf(':');
    return { form: text.slice(0, colon) as 'unix' | 'worker' | 'fork', path: text.slice(colon + 1) };
  });

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

/** The variables one by one, with their defaults; README.md has the same table for people. */
const variables = {
  SLUICE_HOST: z.string().default('0.0.0.0'),
  SLUICE_PORT: wholeNumber(0, 65_535, DEFAULT_PORT),
  SLUICE_HEALTH_PORT: wholeNumber(0, 65_535, 8080),
  SLUICE_CONSOLE: loopbackAddress.optional(),
  SLUICE_HOST_KEYS_DIR: z.string().optional(),
  SLUICE_HOST_KEYS_SECRET: z.string().optional(),
  SLUICE_USERS_FILE: z.string().optional(),
  SLUICE_USERS_SECRET: z.string().optional(),
  SLUICE_AUTH_URL: notYet('authentication by webhook'),
  SLUICE_AUTH_MODULE: notYet('authentication by a module'),
  SLUICE_BACKEND: z
    .union([z.enum(['s3', 'memory']), processBackend], {
      error: ({ input }) =>
        input === 'folder'
          ? 'the folder backend is not supported yet; use s3 or memory'
          : 'must be s3, memory, unix:SOCKET, worker:MODULE or fork:MODULE (backends from modules are not supported yet)',
    })
    .default('s3'),
  SLUICE_BUCKET: z.string().optional(),
  SLUICE_PREFIX: z
    .string()
    .refine((prefix) => prefix !== 'session:', 'must name a session attribute after "session:"')
    .refine((prefix) => !prefix.replace(/^\/+/, '').startsWith('.sluice'), 'must not begin with ".sluice"')
    .default(''),
  SLUICE_STALE_UPLOAD_HOURS: wholeNumber(0, 87_600, 168),
  SLUICE_FOLDER: notYet('the folder backend'),
  SLUICE_QUEUE_URL: httpUrl.optional(),
  SLUICE_QUEUE_GROUP_BY: oneOf(['principal', 'prefix'], 'principal'),
  SLUICE_FAILURE_QUEUE_URL: httpUrl.optional(),
  SLUICE_JOBS: oneOf(['acknowledged', 'every-object'], 'acknowledged'),
  SLUICE_TEMP_PATTERNS: namePatterns(TEMPORARY_NAMES),
  SLUICE_DUPLICATES: oneOf(['overwrite', 'reject', 'version'], 'overwrite'),
  SLUICE_RENAME_EVENTS: oneOf(['off', 'on'], 'off'),
  SLUICE_SIDECAR: oneOf(['off', 'done', 'sha256'], 'off'),
  SLUICE_MEMORY_BUDGET_MIB: wholeNumber(16, 1_048_576, 256),
  SLUICE_SPOOL_DIR: z.string().optional(),
  SLUICE_SPOOL_MIB: wholeNumber(0, 16_777_216, 1024),
  SLUICE_WORKERS: z
    .literal('1', { error: 'more than one worker process is not supported yet; leave it at 1' })
    .default('1'),
  SLUICE_MAX_SESSIONS: wholeNumber(1, 100_000, 1000),
  SLUICE_LOGIN_GRACE_SECONDS: wholeNumber(1, 3600, 60),
  SLUICE_IDLE_TIMEOUT_SECONDS: wholeNumber(1, 86_400, 1800),
  SLUICE_DRAIN_SECONDS: wholeNumber(0, 86_400, 60),
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

type Environment = Readonly<Record<string, string | undefined>>;

/** Which variables go together: what no single one can tell. */
export function crossFaults(env: Environment): string[] {
  const faults = [
    ...exactlyOneFaults(
      env,
      ['SLUICE_HOST_KEYS_DIR', 'a folder of private keys; make one with: sluice host-key'],
      ['SLUICE_HOST_KEYS_SECRET', 'a secret that holds them'],
    ),
    ...exactlyOneFaults(
      env,
      ['SLUICE_USERS_FILE', 'the users document, the JSON file that says who may log in'],
      ['SLUICE_USERS_SECRET', 'a secret that holds it'],
    ),
  ];
  if ((env['SLUICE_BACKEND'] ?? 's3') === 's3' && env['SLUICE_BUCKET'] === undefined) {
    faults.push('SLUICE_BUCKET: is required for the s3 backend: the name of the bucket that files go into');
  }
  if ((env['SLUICE_SIDECAR'] ?? 'off') !== 'off' && env['SLUICE_DUPLICATES'] === 'version') {
    faults.push(
      'SLUICE_SIDECAR: needs SLUICE_DUPLICATES to be overwrite or reject: a sidecar cannot name a file that was given another name',
    );
  }
  if (env['SLUICE_JOBS'] === 'every-object' && (env['SLUICE_BACKEND'] ?? 's3') !== 's3') {
    faults.push('SLUICE_JOBS: every-object needs the s3 backend: the jobs are noted down in its bucket');
  }
  if (env['SLUICE_FAILURE_QUEUE_URL'] !== undefined && env['SLUICE_QUEUE_URL'] === undefined) {
    faults.push('SLUICE_FAILURE_QUEUE_URL: needs SLUICE_QUEUE_URL: failures are told beside the jobs');
  }
  if (env['SLUICE_PROXY_TRUSTED'] !== undefined && env['SLUICE_PROXY_PROTOCOL'] !== 'v2') {
    faults.push('SLUICE_PROXY_TRUSTED: needs SLUICE_PROXY_PROTOCOL=v2: no header is looked for otherwise');
  }
  return faults;
}

type Choice = readonly [name: EnvName, meaning: string];

/** Of two variables that say where something is, one is needed, and two could disagree. */
function exactlyOneFaults(
  env: Environment,
  [name, meaning]: Choice,
  [otherName, otherMeaning]: Choice,
): string[] {
  const given = [name, otherName].filter((each) => env[each] !== undefined).length;
  if (given === 1) return [];
  return given === 0
    ? [`${name}: is required: ${meaning}; or ${otherName}: ${otherMeaning}`]
    : [`${name}: cannot be set together with ${otherName}: leave one of them unset`];
}
