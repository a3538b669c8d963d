import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import type { Directory } from './directory.ts';
import type { Folder } from './folder.ts';

/** Where files lie until they are whole, below the reserved name. What a dead process leaves here is swept. */
export const UPLOADS = 'uploads';

/**
 * A file on its way, under a name that nobody sees, in the file system of the folder. Ends with one of `publish` and `discard`; `discard`
 * after a failed `publish` too.
 */
export class StagedFile {
  readonly handle: FileHandle;
  readonly #folder: Folder;
  readonly #name: string;

  private constructor(folder: Folder, name: string, handle: FileHandle) {
    this.#folder = folder;
    this.#name = name;
    this.handle = handle;
  }

  static async create(folder: Folder): Promise<StagedFile> {
    const name = randomUUID();
    const handle = await inUploads(folder, (uploads) => open(uploads.at(name), 'wx+', 0o666));
    return new StagedFile(folder, name, handle);
  }

  /**
   * Gives it its name, at once: whoever opens that sees the older file or this one, whole. Resolves when content and name are as durable as
   * the disk. `exclusive`: whatever stands there rejects `EEXIST` (link(2)). Returns what stands there now.
   */
  async publish(to: Directory, name: string, exclusive: boolean): Promise<BigIntStats> {
    await this.handle.sync();
    await inUploads(this.#folder, async (uploads) => {
      const from = uploads.at(this.#name);
      if (!exclusive) return await rename(from, to.at(name));
      await link(from, to.at(name));
      await unlink(from);
    });
    await to.sync();
    const stats = await this.handle.stat({ bigint: true });
    await this.handle.close();
    return stats;
  }

  /** Never rejects: what cannot be removed now is swept later. */
  async discard(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await inUploads(this.#folder, (uploads) => unlink(uploads.at(this.#name))).catch(() => undefined);
  }
}

async function inUploads<T>(folder: Folder, use: (uploads: Directory) => Promise<T>): Promise<T> {
  const uploads = await folder.openReserved(UPLOADS);
  try {
    return await use(uploads);
  } finally {
    await uploads.close();
  }
}
