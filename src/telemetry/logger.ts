import pino from 'pino';
import type { Log } from '../contract/log.ts';

/** JSON lines on stdout; `level` is one of pino's. */
export function createLogger(level: string): Log & { flush(): void } {
  return pino({
    level,
    base: { service: 'sluice' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.errWithCause },
  });
}
