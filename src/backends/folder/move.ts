import { link, mkdir, rename, rmdir, unlink } from 'node:fs/promises';
import { FsError } from '../../contract/errors.ts';
import { errnoOf } from './errors.ts';
import { type Place, statsAt } from './walk.ts';

/** rename(2) of one name to another. Resolves when both directories are as durable as the disk. */
export async function move(from: Place, to: Place, exclusive: boolean): Promise<void> {
  if (!exclusive) await replace(from, to);
  else if (from.stats?.isDirectory()) await moveDirectoryToFreeName(from, to);
  else await moveFileToFreeName(from, to);
  await to.directory.sync();
  await from.directory.sync();
}

async function replace(from: Place, to: Place): Promise<void> {
  await rename(from.at, to.at).catch((error: unknown) => {
    // rename(2): "ENOTEMPTY or EEXIST", as the file system likes.
    throw errnoOf(error) === 'EEXIST' ? new FsError('ENOTEMPTY', 'the target is not empty') : error;
  });
}

/** Takes the name with an empty directory, which the other then replaces. What comes into that meanwhile makes it fail. */
async function moveDirectoryToFreeName(from: Place, to: Place): Promise<void> {
  await mkdir(to.at);
  try {
    await rename(from.at, to.at);
  } catch (error) {
    await rmdir(to.at).catch(() => undefined);
    const isTaken = ['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '');
    throw isTaken ? new FsError('EEXIST', 'the target came to exist meanwhile') : error;
  }
}

/** A second name first, then the first one goes, unless another file has taken it by then. */
async function moveFileToFreeName(from: Place, to: Place): Promise<void> {
  await link(from.at, to.at);
  const now = await statsAt(from.at);
  if (now?.ino === from.stats?.ino && now?.dev === from.stats?.dev) await unlink(from.at);
}
