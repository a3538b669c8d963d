import pino, { type Logger } from 'pino';

export type { Logger };

/** JSON lines on stdout. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: { service: 'job-consumer' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
  });
}

/** What of an error belongs into a log: the AWS SDK's carry requests and answers, credentials in their headers. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: describeError(cause) }) };
}
