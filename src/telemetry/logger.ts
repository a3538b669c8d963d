import pino, { type LoggerOptions } from 'pino';
import type { Log } from '../contract/log.ts';

/** Fields that no line should have. One that gets there all the same, at the top or one level down, is not shown. */
const SECRETS = [
  'password',
  'passwordHash',
  'privateKey',
  'passphrase',
  'authorization',
  'secretAccessKey',
  'sessionToken',
];

/** JSON lines on stdout, each written before the call returns: none is lost when the process ends. `level` is one of pino's. */
export function createLogger(level: string): Log {
  const options: LoggerOptions = {
    level,
    base: { service: 'sluice' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  return pino(options, pino.destination({ dest: 1, sync: true }));
}

interface ErrorDescription {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly httpStatusCode?: number;
  readonly requestId?: string;
  readonly cause?: ErrorDescription;
  readonly errors?: readonly ErrorDescription[];
}

/** What of an error belongs into a log. The errors of the AWS SDK carry whole responses, headers included. */
function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { name: 'NotAnError', message: String(error) };
  const { name, message, stack, cause } = error;
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number; requestId?: string } };
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...($metadata?.httpStatusCode === undefined ? {} : { httpStatusCode: $metadata.httpStatusCode }),
    ...($metadata?.requestId === undefined ? {} : { requestId: $metadata.requestId }),
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
    ...(error instanceof AggregateError ? { errors: error.errors.map(describeError) } : {}),
  };
}
