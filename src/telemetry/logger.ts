import pino, { type LoggerOptions } from 'pino';
import { escapeUnit } from '../contract/json.ts';
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
  const stdout = pino.destination({ dest: 1, sync: true });
  return pino(options, { write: (line) => stdout.write(toOneLine(line)) });
}

/**
 * JSON leaves as they are what some readers take for the end of a line (U+0085, U+2028, U+2029), and some terminals for a command (C1):
 * a client that names a file so could write lines of its own.
 */
function toOneLine(line: string): string {
  return line.replace(/[\u007f-\u009f\u2028\u2029]/g, escapeUnit);
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
