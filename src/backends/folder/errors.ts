import { FS_ERROR_CODES, FsError, type FsErrorCode } from '../../contract/errors.ts';

/** What Linux says (errno(3)) and the contract has another word for. */
const TRANSLATED: Readonly<Record<string, FsErrorCode>> = {
  /** A link where none may be followed, or too many of them. */
  ELOOP: 'EACCES',
  ENFILE: 'EMFILE',
  /** Opening a socket, or a device that is not there. */
  ENXIO: 'EACCES',
  ETXTBSY: 'EBUSY',
};

/** The errno of what a system call failed with, by name; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** The one translation of this backend: an errno that the contract has stays what it is, an unknown one is `EIO`. */
export function toFsError(error: unknown, operation: string, path: string): FsError {
  if (error instanceof FsError) return error;
  const errno = errnoOf(error) ?? '';
  const code = TRANSLATED[errno] ?? FS_ERROR_CODES.find((known) => known === errno) ?? 'EIO';
  return new FsError(code, `${operation} failed`, { operation, path, cause: error });
}

/** Every error of this backend leaves it as the contract's. */
export async function translated<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toFsError(error, operation, path);
  }
}
