import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A bounded place on disk for buffers that memory has no room for. Each has a file of its own whose name is gone
 * before anything is in it, so that nothing is left behind however the process ends.
 */
export class Spool {
  readonly limitBytes: number;
  readonly #folder: string;
  #used = 0;

  constructor(folder: string, limitBytes: number) {
    this.#folder = folder;
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Whether files can be made there. @throws the error of the file system when they cannot. */
  async probe(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await (await this.#create()).close();
  }

  /** A file for up to `bytes`; undefined when there is no room for it, or none can be made. */
  async open(bytes: number): Promise<SpoolFile | undefined> {
    if (this.#used + bytes > this.limitBytes) return undefined;
    this.#used += bytes;
    try {
      const handle = await this.#create();
      return new SpoolFile(handle, () => {
        this.#used -= bytes;
      });
    } catch {
      this.#used -= bytes;
      return undefined;
    }
  }

  async #create(): Promise<FileHandle> {
    const path = join(this.#folder, `sluice-${randomUUID()}`);
    const handle = await open(path, 'wx+', 0o600);
    try {
      await unlink(path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return handle;
  }
}

/** One buffer on disk. Errors of the file system reach the caller. */
export class SpoolFile {
  readonly #handle: FileHandle;
  readonly #onClosed: () => void;

  constructor(handle: FileHandle, onClosed: () => void) {
    this.#handle = handle;
    this.#onClosed = onClosed;
  }

  /** Writes all of `bytes` at `position`. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  /** Fills `target` from `position`. @throws when the file ends before. */
  async read(target: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, position + done);
      if (bytesRead === 0) throw new Error('the spool file is shorter than what was written to it');
      done += bytesRead;
    }
  }

  /** Gives the room back. */
  async close(): Promise<void> {
    try {
      await this.#handle.close();
    } finally {
      this.#onClosed();
    }
  }
}
