/** Writes one line: what it tells, and its fields. Must not throw. */
export type WriteLine = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What rooms write their log lines to. Fields never hold a password, a key or content of a file. */
export interface Log {
  readonly debug: WriteLine;
  readonly info: WriteLine;
  readonly warn: WriteLine;
  readonly error: WriteLine;
}

/** The same log, with fields that stand in each of its lines. */
export function withFields(log: Log, shared: Readonly<Record<string, unknown>>): Log {
  const write =
    (level: keyof Log): WriteLine =>
    (fields, message) =>
      log[level]({ ...shared, ...fields }, message);
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/**
 * `activityType` of a line that tells what a client did: the words that AWS Transfer Family has for it
 * (https://docs.aws.amazon.com/transfer/latest/userguide/cw-structure-logs.html), and some that it has not.
 */
export const Activity = {
  CONNECTED: 'CONNECTED',
  AUTH_FAILURE: 'AUTH_FAILURE',
  /** What was shown is right, and more is asked for. */
  AUTH_PARTIAL: 'AUTH_PARTIAL',
  /** It was asked whether a key would do, and it would not: clients ask for one after the other. */
  KEY_REFUSED: 'KEY_REFUSED',
  DISCONNECTED: 'DISCONNECTED',
  /** Why the server has ended a connection. */
  EXIT_REASON: 'EXIT_REASON',
  /** Something was asked for that there is not here: a shell, a command, a forwarded port, an extension. */
  REFUSED: 'REFUSED',
  /** A file, for reading or writing (`mode`). */
  OPEN: 'OPEN',
  CLOSE: 'CLOSE',
  /** An upload came to nothing. */
  PARTIAL_CLOSE: 'PARTIAL_CLOSE',
  DELETE: 'DELETE',
  RENAME: 'RENAME',
  MKDIR: 'MKDIR',
  RMDIR: 'RMDIR',
  /** A directory is read. */
  LIST: 'LIST',
  SETSTAT: 'SETSTAT',
  CREATE_SYMLINK: 'CREATE_SYMLINK',
  ERROR: 'ERROR',
} as const;
