import type { BigIntStats } from 'node:fs';
import { FsError } from '../../contract/errors.ts';
import { directoryInfo, type FileInfo, fileInfo } from '../../contract/types.ts';

const PERMISSION_BITS = 0o7777n;

/**
 * Identifies this very content: any write changes a time of the file, and every publication is a new inode. Renames and changes of mode
 * give another one too (inode(7), ctime).
 */
export function toEtag({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].map((part) => part.toString(36)).join('-');
}

/** Undefined for what is neither file nor directory. */
export function toInfo(stats: BigIntStats): FileInfo | undefined {
  const mtime = Math.max(0, Number(stats.mtimeNs) / 1e9);
  const mode = Number(stats.mode & PERMISSION_BITS);
  if (stats.isDirectory()) return { ...directoryInfo(mtime), mode };
  return stats.isFile() ? fileInfo(Number(stats.size), mtime, toEtag(stats), mode) : undefined;
}

/** @throws FsError `ENOENT`; `EACCES` for pipes, sockets and devices, and for a link that has come in between. */
export function infoOf(stats: BigIntStats | undefined): FileInfo {
  if (stats === undefined) throw new FsError('ENOENT', 'no such file or directory');
  const info = toInfo(stats);
  if (info === undefined) throw new FsError('EACCES', 'it is neither a file nor a directory');
  return info;
}

/** @throws FsError as {@link infoOf}; `EISDIR`. */
export function fileInfoOf(stats: BigIntStats | undefined): FileInfo {
  const info = infoOf(stats);
  if (info.type === 'directory') throw new FsError('EISDIR', 'it is a directory');
  return info;
}

/** @throws FsError `EACCES` for what clients are to leave alone. Links are theirs to move and delete. */
export function assertOrdinary(stats: BigIntStats | undefined): void {
  if (stats !== undefined && !stats.isSymbolicLink()) infoOf(stats);
}
