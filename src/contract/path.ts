import { FsError } from './errors.ts';

/** Longest normalised path, in UTF-8 bytes (Linux's PATH_MAX). What a client sends is bounded by its packet. */
export const MAX_PATH_BYTES = 4096;

/** Longest single name accepted from a client, in UTF-8 bytes (POSIX NAME_MAX of common file systems). */
export const MAX_NAME_BYTES = 255;

/**
 * The one path normaliser. Every path of every request passes through here before anything else sees it.
 *
 * The result is absolute, has no empty, `.` or `..` segment and no trailing slash (except the root, `/`).
 * `..` at the root stays at the root, as POSIX has it, so no spelling leads out of the principal's tree.
 * Relative paths are taken from `home`, the empty one too. A backslash is an ordinary character.
 *
 * @throws FsError `EINVAL` on NUL or a lone surrogate, `ENAMETOOLONG` past the limits above.
 */
export function normalizePath(path: string, home = '/'): string {
  if (path.includes('\0')) throw new FsError('EINVAL', 'a path cannot contain NUL');
  if (!path.isWellFormed()) throw new FsError('EINVAL', 'a path must be valid Unicode');
  const segments: string[] = [];
  const absolute = path.startsWith('/') ? path : `${home}/${path}`;
  for (const segment of absolute.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      segments.pop();
      continue;
    }
    if (Buffer.byteLength(segment) > MAX_NAME_BYTES) {
      throw new FsError('ENAMETOOLONG', 'a name in the path is too long');
    }
    segments.push(segment);
  }
  const normalized = `/${segments.join('/')}`;
  if (Buffer.byteLength(normalized) > MAX_PATH_BYTES) {
    throw new FsError('ENAMETOOLONG', 'the path is too long');
  }
  return normalized;
}

/** Whether a path, in any spelling, is the root of the principal's tree. */
export function isRootPath(path: string): boolean {
  return normalizePath(path) === '/';
}

/** The last name of a normalised path; `/` for the root. */
export function baseName(path: string): string {
  return path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1);
}

/** The directory that holds a normalised path; the root holds itself. */
export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Whether the normalised `path` lies strictly below the normalised directory `ancestor`. */
export function isBelow(path: string, ancestor: string): boolean {
  return path !== ancestor && path.startsWith(ancestor === '/' ? '/' : `${ancestor}/`);
}
