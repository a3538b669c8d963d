import type { FileRange, Upload } from '../contract/backend.ts';
import { toFsErrorCode } from '../contract/errors.ts';
import type { StoredFile } from '../contract/types.ts';
import { DelegatedUpload } from './delegated-upload.ts';

/** How an upload has ended; `bytes` is the size of its file then. */
export type UploadEnding =
  | { readonly outcome: 'finished'; readonly stored: StoredFile; readonly bytes: number }
  /** Of its last step, or of one that nothing but the abort could follow. */
  | { readonly outcome: 'failed'; readonly error: unknown; readonly bytes: number }
  /** Its client has gone, or has given it up. */
  | { readonly outcome: 'aborted'; readonly bytes: number };

/** An upload that tells once how it has ended, after it has. Errors are rethrown unchanged. */
export class WatchedUpload extends DelegatedUpload {
  readonly #onEnded: (ending: UploadEnding) => void;
  #isEnding = false;
  /** What can only be followed by the abort, which is then no choice of the client. */
  #failure: unknown;

  constructor(upload: Upload, onEnded: (ending: UploadEnding) => void) {
    super(upload);
    this.#onEnded = onEnded;
  }

  /** Whether the client has closed it, or is gone. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  override writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    try {
      return super.writeChunk(offset, bytes)?.catch((error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  override setSize(size: number): Promise<void> {
    return this.#watched(() => super.setSize(size));
  }

  override readChunk(offset: number, length: number): Promise<Uint8Array> {
    return this.#watched(() => super.readChunk(offset, length));
  }

  protected override copy(path: string, range: FileRange, to: number): Promise<void> {
    return this.#watched(() => super.copy(path, range, to));
  }

  override async finishWrite(): Promise<StoredFile> {
    const isFirst = this.#end();
    try {
      const stored = await super.finishWrite();
      if (isFirst) this.#onEnded({ outcome: 'finished', stored, bytes: stored.size });
      return stored;
    } catch (error) {
      if (isFirst) this.#onEnded({ outcome: 'failed', error, bytes: this.size });
      throw error;
    }
  }

  override async abortWrite(): Promise<void> {
    const isFirst = this.#end();
    const [error, bytes] = [this.#failure, this.size];
    try {
      await super.abortWrite();
    } finally {
      if (isFirst) {
        this.#onEnded(
          error === undefined ? { outcome: 'aborted', bytes } : { outcome: 'failed', error, bytes },
        );
      }
    }
  }

  async #watched<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): never {
    if (!isCancelled(error)) this.#failure ??= error;
    throw error;
  }

  /** True the first time: an upload ends once. */
  #end(): boolean {
    const isFirst = !this.#isEnding;
    this.#isEnding = true;
    return isFirst;
  }
}

/** Its client has gone. */
export function isCancelled(error: unknown): boolean {
  return toFsErrorCode(error) === 'ECANCELED';
}
