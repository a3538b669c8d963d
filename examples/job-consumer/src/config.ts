import { z } from 'zod';

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

const httpUrl = z.url({
  protocol: /^https?$/,
  error: ({ input }) => (input === undefined ? 'is required: an http(s) URL' : 'must be an http(s) URL'),
});

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const OWN = {
  CONSUMER_QUEUE_URL: httpUrl,
  CONSUMER_RESULT_PREFIX: z.string().default('processed/'),
  CONSUMER_BATCH_SIZE: wholeNumber(1, 10, 4),
  CONSUMER_VISIBILITY_SECONDS: wholeNumber(1, 43_200, 60),
  CONSUMER_DRAIN_SECONDS: wholeNumber(0, 3600, 25),
  CONSUMER_LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of: ${LOG_LEVELS.join(', ')}` })
    .default('info'),
};

/** Read by the AWS SDK itself; here because an endpoint of one's own is addressed in another way. */
const STANDARD = {
  AWS_ENDPOINT_URL: httpUrl.optional(),
  AWS_ENDPOINT_URL_S3: httpUrl.optional(),
  AWS_ENDPOINT_URL_SQS: httpUrl.optional(),
};

const schema = z.strictObject({ ...OWN, ...STANDARD });

export interface Config {
  readonly queueUrl: string;
  /** Where results are kept, in the bucket of the object. */
  readonly resultPrefix: string;
  /** Messages that are worked on at once. */
  readonly batchSize: number;
  /** How long a message stays hidden from others without a sign of life of this process. */
  readonly visibilitySeconds: number;
  readonly drainSeconds: number;
  readonly logLevel: string;
  /** Not AWS but something that speaks its protocol. */
  readonly hasOwnS3: boolean;
  readonly hasOwnSqs: boolean;
}

export class ConfigError extends Error {
  /** One line for each variable that is wrong. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** @throws ConfigError with all that is wrong, misspelt names included. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.entries(environment).filter(
    ([name, value]) =>
      value !== undefined && value !== '' && (name.startsWith('CONSUMER_') || name in STANDARD),
  );
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap(toFaults));
  const variables = parsed.data;
  return {
    queueUrl: variables.CONSUMER_QUEUE_URL,
    resultPrefix: variables.CONSUMER_RESULT_PREFIX,
    batchSize: variables.CONSUMER_BATCH_SIZE,
    visibilitySeconds: variables.CONSUMER_VISIBILITY_SECONDS,
    drainSeconds: variables.CONSUMER_DRAIN_SECONDS,
    logLevel: variables.CONSUMER_LOG_LEVEL,
    hasOwnS3: (variables.AWS_ENDPOINT_URL_S3 ?? variables.AWS_ENDPOINT_URL) !== undefined,
    hasOwnSqs: (variables.AWS_ENDPOINT_URL_SQS ?? variables.AWS_ENDPOINT_URL) !== undefined,
  };
}

function toFaults(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => `${name}: is no such variable`);
  return [`${issue.path.join('.')}: ${issue.message}`];
}
