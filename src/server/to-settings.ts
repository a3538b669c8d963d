import { tmpdir } from 'node:os';
import { z } from 'zod';
import type { AppSettings } from '../app.ts';
import {
  isCidr,
  isNamePattern,
  LIMITS,
  type Limits,
  PRIVATE_SUBNETS,
  TEMPORARY_NAMES,
  toCidr,
  wholeNumberFault,
} from '../config/values.ts';
import type { ServerOptions } from './options.ts';
import { OptionsError } from './options-error.ts';
import { toFaults } from './to-faults.ts';

const MIB = 1024 * 1024;

function wholeNumber({ min, max, fallback }: Limits) {
  const error = wholeNumberFault({ min, max });
  return z.int({ error }).min(min, error).max(max, error).default(fallback);
}

const inBytes = ({ min, max, fallback }: Limits): Limits => ({
  min: min * MIB,
  max: max * MIB,
  fallback: fallback * MIB,
});

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be one of: ${values.join(', ')}` });
}

function listOf(what: string, isRight: (text: string) => boolean) {
  const error = `must be an array of ${what}`;
  return z.array(z.string({ error }), { error }).refine((texts) => texts.every(isRight), error);
}

const log = z.custom<ServerOptions['log']>(
  (value) =>
    ['debug', 'info', 'warn', 'error'].every(
      (level) => typeof (value as Record<string, unknown> | null)?.[level] === 'function',
    ),
  'must have the functions debug, info, warn and error, each of (fields, message)',
);

const madeBy = (method: string, what: string) =>
  z.custom<object>(
    (value) => typeof (value as Record<string, unknown> | null)?.[method] === 'function',
    `must be a ${what} of the OpenTelemetry API`,
  );

const subnets = listOf('subnets (10.0.0.0/8, 2001:db8::/56)', (text) => isCidr(toCidr(text)));

/** What the options are whose values can be judged by themselves; the others have a file each. */
const schema = z.strictObject({
  backend: z.unknown().optional(),
  backendOptions: z.unknown().optional(),
  auth: z.unknown().optional(),
  hostKeys: z.unknown().optional(),
  jobs: z.unknown().optional(),
  temporaryNames: listOf('patterns of names (*.filepart, .in.*)', isNamePattern).default([
    ...TEMPORARY_NAMES,
  ]),
  duplicates: oneOf(['overwrite', 'reject', 'version']).default('overwrite'),
  sidecar: oneOf(['done', 'sha256']).optional(),
  reportsRenames: z.boolean({ error: 'must be true or false' }).default(false),
  memoryBudgetBytes: wholeNumber(inBytes(LIMITS.memoryBudgetMib)),
  spool: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          folder: z.string().default(() => tmpdir()),
          bytes: z
            .int()
            .nonnegative()
            .default(LIMITS.spoolMib.fallback * MIB),
        }),
      ],
      { error: 'must be { folder, bytes } or false' },
    )
    .default(() => ({ folder: tmpdir(), bytes: LIMITS.spoolMib.fallback * MIB })),
  maxSessions: wholeNumber(LIMITS.maxSessions),
  maxSessionsPerUser: wholeNumber(LIMITS.maxSessionsPerUser),
  maxStartupsPerAddress: wholeNumber(LIMITS.maxStartupsPerAddress),
  penaltyExempt: subnets.default([...PRIVATE_SUBNETS]),
  sshAlgorithms: oneOf(['modern', 'compatible']).default('modern'),
  loginGraceSeconds: wholeNumber(LIMITS.loginGraceSeconds),
  idleTimeoutSeconds: wholeNumber(LIMITS.idleTimeoutSeconds),
  trustedProxies: subnets.optional(),
  serviceName: z.string({ error: 'must be a text' }).min(1, 'must be a text').default('sluice'),
  log: log.optional(),
  tracer: madeBy('startSpan', 'tracer').optional(),
  meter: madeBy('createCounter', 'meter').optional(),
  traceChunks: oneOf(['part', 'each']).default('part'),
} satisfies Record<keyof ServerOptions, z.ZodType>);

/** @throws OptionsError naming each option that is wrong, and each that there is not. */
export async function toSettings(options: ServerOptions): Promise<AppSettings> {
  const parsed = schema.safeParse(options);
  const faults = [...toFaults(parsed.error), ...crossFaults(options)];
  if (!parsed.success || faults.length > 0) throw new OptionsError(faults);
  const { sidecar, reportsRenames, spool, trustedProxies, traceChunks, ...settings } = parsed.data;
  return {
    temporaryNames: settings.temporaryNames,
    duplicates: settings.duplicates,
    memoryBudgetBytes: settings.memoryBudgetBytes,
    maxSessions: settings.maxSessions,
    maxSessionsPerUser: settings.maxSessionsPerUser,
    maxStartupsPerSource: settings.maxStartupsPerAddress,
    penaltyExempt: settings.penaltyExempt.map(toCidr),
    sshAlgorithms: settings.sshAlgorithms,
    loginGraceSeconds: settings.loginGraceSeconds,
    idleTimeoutSeconds: settings.idleTimeoutSeconds,
    drainSeconds: LIMITS.drainSeconds.fallback,
    serviceName: settings.serviceName,
    // Unless `listen` is told.
    host: '0.0.0.0',
    port: LIMITS.port.fallback,
    spool: spool === false ? undefined : spool,
    trustedProxies: trustedProxies?.map(toCidr),
    chunkSpans: traceChunks,
    deliveries: { sidecar, reportsRenames },
  };
}

function crossFaults({ sidecar, reportsRenames, duplicates, jobs }: Partial<ServerOptions>): string[] {
  const faults: string[] = [];
  if (sidecar !== undefined && duplicates === 'version') {
    faults.push(
      'sidecar: needs duplicates to be overwrite or reject: a sidecar cannot name a file that was given another name',
    );
  }
  const needsJobs = 'needs jobs: without them nobody is told';
  if (sidecar !== undefined && jobs === undefined) faults.push(`sidecar: ${needsJobs}`);
  if (reportsRenames === true && jobs === undefined) faults.push(`reportsRenames: ${needsJobs}`);
  return faults;
}
