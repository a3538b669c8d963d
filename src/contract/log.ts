type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What rooms write their log lines to. Fields never hold a password, a key or content of a file. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

/** The same log, with fields that stand in each of its lines. */
export function withFields(log: Log, shared: Readonly<Record<string, unknown>>): Log {
  const write =
    (level: keyof Log): Write =>
    (fields, message) =>
      log[level]({ ...shared, ...fields }, message);
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
