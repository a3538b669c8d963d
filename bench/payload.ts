import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { formatSize, MiB } from './sizes.ts';

const MEMORY_FOLDER = '/dev/shm';
const BLOCK_BYTES = 8 * MiB;

export interface Payload {
  readonly file: string;
  /** Whether it lies in memory, so that reading it costs the client nothing to speak of. */
  readonly inMemory: boolean;
}

/** A file of random bytes, in a tmpfs where there is one with room for it, else in the temporary folder. */
export async function createPayload(cleanup: Cleanup, bytes: number): Promise<Payload> {
  const inMemory = existsSync(MEMORY_FOLDER) && (await hasRoom(MEMORY_FOLDER, bytes));
  const parent = inMemory ? MEMORY_FOLDER : tmpdir();
  if (!(await hasRoom(parent, bytes))) throw new Error(`no room for a file of ${formatSize(bytes)}`);
  const { path: folder } = await cleanup.folder(parent);
  const file = join(folder, 'payload.bin');
  const handle = await open(file, 'w', 0o600);
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let rest = bytes; rest > 0; rest -= BLOCK_BYTES) {
      randomFillSync(block);
      await handle.write(block, 0, Math.min(rest, BLOCK_BYTES));
    }
  } finally {
    await handle.close();
  }
  return { file, inMemory };
}

async function hasRoom(folder: string, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize > bytes + BLOCK_BYTES;
}
