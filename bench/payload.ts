import { existsSync } from 'node:fs';
import { statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { madeBytes } from './made-content.ts';
import { formatSize, MiB } from './sizes.ts';

const MEMORY_FOLDER = '/dev/shm';

/** What is left free beside the files themselves. */
const SPARE_BYTES = 8 * MiB;

export interface Roomy {
  readonly path: string;
  /** Whether it lies in memory, so that reading and writing there costs the client nothing to speak of. */
  readonly inMemory: boolean;
}

export interface Payload {
  readonly file: string;
  readonly inMemory: boolean;
}

/** A folder with room for so much, in a tmpfs where there is one that has it, else in the temporary folder. */
export async function roomyFolder(cleanup: Cleanup, bytes: number): Promise<Roomy> {
  const inMemory = existsSync(MEMORY_FOLDER) && (await hasRoom(MEMORY_FOLDER, bytes));
  const parent = inMemory ? MEMORY_FOLDER : tmpdir();
  if (!(await hasRoom(parent, bytes))) throw new Error(`no room for files of ${formatSize(bytes)}`);
  const { path } = await cleanup.folder(parent);
  return { path, inMemory };
}

/** A file of made-up bytes in a folder of its own. */
export async function createPayload(cleanup: Cleanup, bytes: number): Promise<Payload> {
  const { path, inMemory } = await roomyFolder(cleanup, bytes);
  const file = join(path, 'payload.bin');
  await writePayload(file, bytes);
  return { file, inMemory };
}

/** The first so many of the made-up bytes. */
export function writePayload(file: string, bytes: number): Promise<void> {
  return writeFile(file, madeBytes(0, bytes), { mode: 0o600 });
}

async function hasRoom(folder: string, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize > bytes + SPARE_BYTES;
}
