import { readdir, unlink } from 'node:fs/promises';
import type { Log } from '../../contract/log.ts';
import type { Folder } from './folder.ts';
import { UPLOADS } from './staged-file.ts';
import { statsAt } from './walk.ts';

const HOUR_MS = 3_600_000;

export interface FolderSweeper {
  /** How many files went. Never rejects: what went wrong is logged. */
  sweep(): Promise<number>;
  /** Sweeps now and then every hour. */
  start(): void;
  /** Resolves when the sweep in progress, if any, has ended. */
  close(): Promise<void>;
}

/**
 * Deletes the files that processes have left behind when they were killed: those that nobody has written to for so long. An upload that
 * goes on is written to, or its connection is closed long before (`SLUICE_IDLE_TIMEOUT_SECONDS`).
 */
export function createFolderSweeper(folder: Folder, olderThanMs: number, log: Log): FolderSweeper {
  let running: Promise<number> = Promise.resolve(0);
  let timer: NodeJS.Timeout | undefined;

  async function sweep(): Promise<number> {
    try {
      const deleted = await deleteOlder(folder, Date.now() - olderThanMs);
      if (deleted > 0) log.info({ deleted }, 'abandoned uploads swept');
      return deleted;
    } catch (err) {
      log.warn({ err, folder: folder.root }, 'abandoned uploads could not all be swept');
      return 0;
    }
  }

  const start = () => {
    running = sweep();
    timer = setTimeout(start, HOUR_MS);
    timer.unref();
  };

  return {
    sweep,
    start,
    close: async () => {
      clearTimeout(timer);
      await running;
    },
  };
}

async function deleteOlder(folder: Folder, thanMs: number): Promise<number> {
  const uploads = await folder.openReserved(UPLOADS);
  let deleted = 0;
  try {
    for (const name of await readdir(uploads.self)) {
      const stats = await statsAt(uploads.at(name));
      // Not mtime: a file that is about to have its name has that which its client gave it (inode(7)).
      if (stats === undefined || stats.ctimeMs >= thanMs) continue;
      await unlink(uploads.at(name));
      deleted += 1;
    }
  } finally {
    await uploads.close();
  }
  return deleted;
}
