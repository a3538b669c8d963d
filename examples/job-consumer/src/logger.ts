import pino, { type Logger, type LoggerOptions } from 'pino';

export type { Logger };

/** JSON lines on stdout, each written before the call returns: none is lost when the process ends. */
export function createLogger(level: string): Logger {
  const options: LoggerOptions = {
    level,
    base: { service: 'job-consumer' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
  };
  return pino(options, pino.destination({ dest: 1, sync: true }));
}

/** What of an error belongs into a log: the AWS SDK's carry requests and answers, credentials in their headers. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: describeError(cause) }) };
}
