import { isDeepStrictEqual } from 'node:util';
import type { Permission, Principal, VirtualFolder } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import { isBelow, MAX_PATH_BYTES, parentPath } from '../contract/path.ts';

/** Where a path of a client leads: as whom the backend is asked, and for which path. */
export interface FolderPlace {
  readonly principal: Principal;
  readonly path: string;
}

/** The folder that a path lies in, or is: the one with the longest path. */
function folderAt({ folders = [] }: Principal, path: string): VirtualFolder | undefined {
  let found: VirtualFolder | undefined;
  for (const folder of folders) {
    const holds = folder.path === path || isBelow(path, folder.path);
    if (holds && folder.path.length > (found?.path.length ?? 0)) found = folder;
  }
  return found;
}

/**
 * Undefined for what lies in none of the folders of a principal that has some.
 * @throws FsError `ENAMETOOLONG` when the path in the backend would be too long.
 */
export function placeOf(principal: Principal, path: string): FolderPlace | undefined {
  if (principal.folders === undefined) return { principal, path };
  const folder = folderAt(principal, path);
  return folder && { principal: principalIn(principal, folder), path: toTarget(folder, path) };
}

/** As whom the backend is asked at a path. Where nothing is, the principal as it is. */
export function principalAt(principal: Principal, path: string): Principal {
  return placeOf(principal, path)?.principal ?? principal;
}

/** What the principal may do at a path; everything when undefined. Outside its folders nothing can be done, and nothing is forbidden. */
export function permissionsAt(principal: Principal, path: string): readonly Permission[] | undefined {
  if (principal.folders === undefined) return principal.permissions;
  const folder = folderAt(principal, path);
  return folder && (folder.permissions ?? principal.permissions);
}

/** Whether a path is that of a folder. */
export function isMountPoint({ folders = [] }: Principal, path: string): boolean {
  return folders.some((folder) => folder.path === path);
}

/** Whether a path is a directory whatever the store has: the root, a folder, or what a folder lies in. */
export function isFixed(principal: Principal, path: string): boolean {
  return path === '/' || isMountPoint(principal, path) || namesOfFolders(principal, path).size > 0;
}

/** The names in a directory that lead to folders. */
export function namesOfFolders({ folders = [] }: Principal, directory: string): ReadonlySet<string> {
  const begin = directory === '/' ? 1 : directory.length + 1;
  const below = folders.filter(({ path }) => isBelow(path, directory));
  return new Set(below.map(({ path }) => path.slice(begin).split('/', 1)[0] ?? ''));
}

/** Whether two places are in one part of one store, so that the store itself can move and copy between them. */
export function isSameStore(one: Principal, other: Principal): boolean {
  return one.bucket === other.bucket && isDeepStrictEqual(one.session, other.session);
}

/** One that may do what either may, in the store of both. */
export function withBothPermissions(one: Principal, other: Principal): Principal {
  const { permissions: _, ...rest } = one;
  if (one.permissions === undefined || other.permissions === undefined) return rest;
  return { ...rest, permissions: [...new Set([...one.permissions, ...other.permissions])] };
}

/** `/`, and every directory on the way to a normalised path, the path included; the root left out. */
export function directoriesTo(path: string): string[] {
  return path === '/' ? [] : [...directoriesTo(parentPath(path)), path];
}

function principalIn(principal: Principal, { session, bucket, permissions }: VirtualFolder): Principal {
  const { folders: _folders, home: _home, ...rest } = principal;
  return {
    ...rest,
    session: { ...principal.session, ...session },
    ...(bucket === undefined ? {} : { bucket }),
    ...(permissions === undefined ? {} : { permissions }),
  };
}

function toTarget({ path: at, target = '/' }: VirtualFolder, path: string): string {
  const below = at === '/' ? path : path.slice(at.length) || '/';
  if (target === '/') return below;
  const reached = below === '/' ? target : target + below;
  if (Buffer.byteLength(reached) > MAX_PATH_BYTES) {
    throw new FsError('ENAMETOOLONG', 'the path is too long', { path });
  }
  return reached;
}
