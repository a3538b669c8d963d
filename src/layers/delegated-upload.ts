import type { FileRange, Upload } from '../contract/backend.ts';
import type { FileAttributes, StoredFile } from '../contract/types.ts';

/** An upload that hands everything on to another: a layer overrides what it is about. */
export class DelegatedUpload implements Upload {
  readonly unitAt?: NonNullable<Upload['unitAt']>;
  readonly copyChunk?: NonNullable<Upload['copyChunk']>;
  readonly #upload: Upload;

  constructor(upload: Upload) {
    this.#upload = upload;
    const { copyChunk } = upload;
    if (upload.unitAt !== undefined) this.unitAt = upload.unitAt.bind(upload);
    if (copyChunk !== undefined) this.copyChunk = (...args) => this.copy(...args);
  }

  get size(): number {
    return this.#upload.size;
  }

  get takesAtOnce(): boolean {
    return this.#upload.takesAtOnce === true;
  }

  writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    return this.#upload.writeChunk(offset, bytes);
  }

  setSize(size: number): Promise<void> {
    return this.#upload.setSize(size);
  }

  readChunk(offset: number, length: number): Promise<Uint8Array> {
    return this.#upload.readChunk(offset, length);
  }

  setAttributes(attributes: FileAttributes): void {
    this.#upload.setAttributes(attributes);
  }

  sync(): Promise<void> {
    return this.#upload.sync();
  }

  finishWrite(): Promise<StoredFile> {
    return this.#upload.finishWrite();
  }

  abortWrite(): Promise<void> {
    return this.#upload.abortWrite();
  }

  /** What `copyChunk` does where the upload has it. */
  protected async copy(path: string, range: FileRange, to: number): Promise<void> {
    await this.#upload.copyChunk?.(path, range, to);
  }
}
