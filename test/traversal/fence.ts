import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** In every file outside, so that no reply can have a part of one unnoticed. */
export const CANARY = 'CANARY: this is none of your business. ';
export const SECRET = Buffer.from(CANARY.repeat(200)).subarray(0, 7919);
/** The name of a file in every directory outside. */
export const SECRET_NAME = 'secret.txt';

/** Everything below a folder, byte by byte, with the times and modes that change when somebody touches it; not what `isOurs`. */
export async function describeTree(
  folder: string,
  isOurs: (path: string) => boolean,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  async function visit(path: string): Promise<void> {
    if (isOurs(path)) return;
    const stats = await lstat(path, { bigint: true });
    const { ino, mode, size, mtimeNs, ctimeNs } = stats;
    const content = stats.isDirectory()
      ? (await readdir(path)).sort().join()
      : stats.isSymbolicLink()
        ? await readlink(path)
        : await readFile(path, 'latin1');
    found[path] = [ino, mode, size, mtimeNs, ctimeNs, content].join(' ');
    if (!stats.isDirectory()) return;
    for (const name of await readdir(path)) await visit(join(path, name));
  }
  await visit(folder);
  return found;
}

/** What is different, for people. */
export function differences(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths]
    .filter((path) => before[path] !== after[path])
    .map((path) => `${path} is not what it was`);
}
