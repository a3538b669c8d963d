/**
 * The POSIX error codes a backend may answer with (POSIX.1-2017, <errno.h>).
 *
 * Everything a backend throws that is not an {@link FsError} is a fault of the program and reaches the client
 * as `EIO`; see docs/errors.md for the SFTP status each code becomes.
 */
export const FS_ERROR_CODES = [
  'EACCES',
  'EAGAIN',
  'EBADF',
  'EBUSY',
  'ECANCELED',
  'EDQUOT',
  'EEXIST',
  'EFBIG',
  'EINVAL',
  'EIO',
  'EISDIR',
  'EMFILE',
  'ENAMETOOLONG',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'ENOTEMPTY',
  'ENOTSUP',
  'EPERM',
  'EROFS',
  'ESTALE',
  'ETIMEDOUT',
  'EXDEV',
] as const;

/** One of the codes that a backend may answer with. */
export type FsErrorCode = (typeof FS_ERROR_CODES)[number];

/** What is known of a failure besides its code: for logs and spans, never for a client. */
export interface FsErrorDetails {
  /** What was attempted, in the contract's words (`beginWrite`, `listDir`, ...). */
  readonly operation?: string;
  /** The normalised path the client named. Never a key, a local file name or a secret. */
  readonly path?: string;
  /** The error underneath. Logged, never sent to a client. */
  readonly cause?: unknown;
}

/** Marks an error of this class, whichever copy of the package has made it. */
const BRAND = Symbol.for('sluice.FsError');

/**
 * The one error of the contract: a POSIX code, and what was being done to which path. `instanceof` holds across copies of the
 * package: a backend that has one of its own installed throws errors that the server understands.
 */
export class FsError extends Error {
  /** Whether any copy of the package has made it. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  static {
    Object.defineProperty(FsError.prototype, BRAND, { value: true });
  }
  readonly code: FsErrorCode;
  readonly operation: string | undefined;
  readonly path: string | undefined;

  constructor(code: FsErrorCode, message: string, details: FsErrorDetails = {}) {
    super(`${code}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'FsError';
    this.code = code;
    this.operation = details.operation;
    this.path = details.path;
  }
}

/** The POSIX code of anything thrown: an unknown throw is `EIO`. */
export function toFsErrorCode(error: unknown): FsErrorCode {
  return error instanceof FsError ? error.code : 'EIO';
}

/** Whether something thrown is that answer of a backend. */
export function isCode(error: unknown, code: FsErrorCode): boolean {
  return error instanceof FsError && error.code === code;
}
