import type { FileRange, Upload } from '../contract/backend.ts';
import type { StoredFile } from '../contract/types.ts';
import { copyRange } from './copy-range.ts';
import { DelegatedUpload } from './delegated-upload.ts';
import { type Place, toClient, translated } from './folder-place.ts';
import { isSameStore } from './virtual-folders.ts';

export interface FolderUploadOptions {
  readonly place: Place;
  /** Where the file of a client's path is that is copied. @throws FsError for what is no file. */
  readonly sourceAt: (path: string) => Place;
  readonly read: (source: Place, range: FileRange) => Promise<Uint8Array>;
}

/** An upload into a folder. What is copied out of another store than its own comes by way of this process. */
export class FolderUpload extends DelegatedUpload {
  readonly #options: FolderUploadOptions;
  readonly #places: readonly Place[];

  constructor(upload: Upload, options: FolderUploadOptions) {
    super(upload);
    this.#options = options;
    this.#places = [options.place];
  }

  override writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    try {
      return super.writeChunk(offset, bytes)?.catch((error) => {
        throw toClient(error, this.#places);
      });
    } catch (error) {
      throw toClient(error, this.#places);
    }
  }

  override setSize(size: number): Promise<void> {
    return translated(this.#places, () => super.setSize(size));
  }

  override readChunk(offset: number, length: number): Promise<Uint8Array> {
    return translated(this.#places, () => super.readChunk(offset, length));
  }

  override sync(): Promise<void> {
    return translated(this.#places, () => super.sync());
  }

  override finishWrite(): Promise<StoredFile> {
    return translated(this.#places, () => super.finishWrite());
  }

  override abortWrite(): Promise<void> {
    return translated(this.#places, () => super.abortWrite());
  }

  protected override async copy(path: string, range: FileRange, to: number): Promise<void> {
    const { place, sourceAt, read } = this.#options;
    const source = sourceAt(path);
    await translated([place, source], () =>
      isSameStore(place.context.principal, source.context.principal)
        ? super.copy(source.path, range, to)
        : copyRange(this, (window) => read(source, window), range, to),
    );
  }
}
