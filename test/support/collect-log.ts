import type { Log } from '../../src/contract/log.ts';

export interface LogLine {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export function collectLog(lines: LogLine[] = []): { readonly log: Log; readonly lines: LogLine[] } {
  const write =
    (level: keyof Log): Log['info'] =>
    (fields, message) =>
      void lines.push({ level, message, fields });
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  return { log, lines };
}
