import type { FileRange, Upload } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';
import type { FileAttributes, StoredFile } from '../../contract/types.ts';
import { readAt, writeAt } from './contents.ts';
import { translated } from './errors.ts';
import type { StagedFile } from './staged-file.ts';

/** Bytes of another file that are held at once while they are copied. */
const COPY_BYTES = 256 * 1024;
/** What clients may set: no file here runs with the rights of its owner (chmod(2), S_ISUID). */
const MODE_BITS = 0o777;

export interface FolderUploadOptions {
  readonly path: string;
  readonly staged: StagedFile;
  /** Bytes that it begins with. */
  readonly size: number;
  readonly append: boolean;
  readonly attributes: FileAttributes;
  /** Bytes of any file of the same principal, as the contract's `readFileRange` has it. */
  readonly read: (path: string, range: FileRange) => Promise<Uint8Array>;
  /** Gives the staged file, which has all its bytes and attributes, its name. */
  readonly publish: (staged: StagedFile) => Promise<StoredFile>;
}

/** Writes go to the staged file as they come; the disk holds up the client, and nothing is kept in memory. */
export class FolderUpload implements Upload {
  readonly #options: FolderUploadOptions;
  #attributes: FileAttributes;
  #size: number;
  #hasEnded = false;
  /** A write was refused: what the client believes to have written is not there, so it must not be published. */
  #failure: unknown;

  constructor(options: FolderUploadOptions) {
    this.#options = options;
    this.#size = options.size;
    this.#attributes = options.attributes;
  }

  get size(): number {
    return this.#size;
  }

  async writeChunk(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#changing('writeChunk', async ({ handle }) => {
      assertPosition(offset);
      // write(2): no bytes, no effect, whatever the offset.
      if (bytes.length === 0) return;
      const at = this.#options.append ? this.#size : offset;
      this.#size = Math.max(this.#size, at + bytes.length);
      await writeAt(handle, at, bytes);
    });
  }

  async setSize(size: number): Promise<void> {
    await this.#changing('setSize', async ({ handle }) => {
      assertPosition(size);
      await handle.truncate(size);
      this.#size = size;
    });
  }

  async readChunk(offset: number, length: number): Promise<Uint8Array> {
    return await this.#while('readChunk', ({ handle }) =>
      readAt(handle, offset, Math.min(length, Math.max(0, this.#size - offset))),
    );
  }

  setAttributes(attributes: FileAttributes): void {
    this.#assertOpen('setAttributes');
    this.#attributes = { ...this.#attributes, ...attributes };
  }

  async copyChunk(path: string, { offset, length, etag }: FileRange, to: number): Promise<void> {
    await this.#changing('copyChunk', async ({ handle }) => {
      assertPosition(to);
      for (let done = 0; done < length; ) {
        const range = { offset: offset + done, length: Math.min(COPY_BYTES, length - done) };
        const bytes = await this.#options.read(path, { ...range, ...(etag === undefined ? {} : { etag }) });
        if (bytes.length === 0) throw new FsError('ESTALE', 'the file is shorter than that', { path });
        await writeAt(handle, to + done, bytes);
        done += bytes.length;
        this.#size = Math.max(this.#size, to + done);
      }
    });
  }

  async sync(): Promise<void> {
    await this.#changing('sync', ({ handle }) => handle.sync());
  }

  async finishWrite(): Promise<StoredFile> {
    const { path, staged, publish } = this.#options;
    this.#assertOpen('finishWrite');
    this.#hasEnded = true;
    try {
      return await translated('finishWrite', path, async () => {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#complete(staged);
        return await publish(staged);
      });
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  async abortWrite(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    await this.#options.staged.discard();
  }

  async #complete({ handle }: StagedFile): Promise<void> {
    const { mode, mtime } = this.#attributes;
    if (mode !== undefined) await handle.chmod(mode & MODE_BITS);
    if (mtime !== undefined) await handle.utimes(mtime, mtime);
    const { size } = await handle.stat();
    if (size !== this.#size) throw new FsError('EIO', `${size} bytes are there instead of ${this.#size}`);
  }

  async #changing(operation: string, work: (staged: StagedFile) => Promise<void>): Promise<void> {
    await this.#while(operation, async (staged) => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await work(staged);
      } catch (error) {
        this.#failure ??= error;
        throw error;
      }
    });
  }

  async #while<T>(operation: string, work: (staged: StagedFile) => Promise<T>): Promise<T> {
    this.#assertOpen(operation);
    return await translated(operation, this.#options.path, () => work(this.#options.staged));
  }

  #assertOpen(operation: string): void {
    const { path } = this.#options;
    if (this.#hasEnded) throw new FsError('EBADF', 'the upload has ended', { operation, path });
  }
}

function assertPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new FsError('EINVAL', `${position} is no position in a file`);
  }
}
