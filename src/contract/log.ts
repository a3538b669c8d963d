type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What rooms write their log lines to. Fields never hold a password, a key or content of a file. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}
