import type { FileRange, Upload } from '../contract/backend.ts';
import { FsError } from '../contract/errors.ts';
import type { FileAttributes, StoredFile } from '../contract/types.ts';

/**
 * A file being put together in memory: writes in any order, overlaps (the later wins), holes that read as
 * zeros. Growing is amortised, so n small writes cost O(n) and not O(n²).
 */
export interface FileImage {
  readonly size: number;
  /** Copies `bytes`. @throws FsError `EFBIG` past the limit, `EINVAL` for an offset no file has. */
  write(offset: number, bytes: Uint8Array): void;
  /** Drops what lies past `size`, or adds zeros up to it. @throws FsError as `write`. */
  setSize(size: number): void;
  /** The bytes as they stand: a view, good until the next change. */
  contents(): Uint8Array;
}

export function createFileImage(options: {
  readonly maxBytes: number;
  /** Copied, never changed. */
  readonly initial?: Uint8Array;
}): FileImage {
  const { maxBytes, initial } = options;
  if (initial !== undefined) assertFits(initial.length);
  // Everything at and past `size` is zero at all times: a hole needs no work when it is made.
  let buffer = new Uint8Array(initial ?? []);
  let size = buffer.length;

  function assertFits(end: number): void {
    if (end > maxBytes) throw new FsError('EFBIG', `the file would pass ${maxBytes} bytes`);
  }

  function reserve(end: number): void {
    assertFits(end);
    if (end <= buffer.length) return;
    const grown = allocate(Math.min(maxBytes, Math.max(end, buffer.length * 2)));
    grown.set(buffer.subarray(0, size));
    buffer = grown;
  }

  return {
    get size() {
      return size;
    },
    write(offset, bytes) {
      assertPosition(offset);
      // write(2): no bytes, no effect, whatever the offset.
      if (bytes.length === 0) return;
      const end = offset + bytes.length;
      reserve(end);
      buffer.set(bytes, offset);
      size = Math.max(size, end);
    },
    setSize(newSize) {
      assertPosition(newSize);
      reserve(newSize);
      if (newSize < size) buffer.fill(0, newSize, size);
      size = newSize;
    },
    contents: () => buffer.subarray(0, size),
  };
}

function assertPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new FsError('EINVAL', `${position} is no position in a file`);
  }
}

function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new FsError('ENOSPC', `no memory for ${bytes} bytes`, { cause });
  }
}

/**
 * An upload that is collected in a {@link FileImage} and handed over whole. `store` is called at most once,
 * when the upload finishes; what it is given is a view that nobody changes any more.
 */
export function createImageUpload(options: {
  readonly path: string;
  readonly image: FileImage;
  /** O_APPEND: the offset of a write is ignored. */
  readonly append: boolean;
  readonly attributes?: FileAttributes | undefined;
  readonly store: (bytes: Uint8Array, attributes: FileAttributes) => Promise<StoredFile> | StoredFile;
  /** Bytes of another file, where there is a way to them that costs nothing: without it the upload does not copy. */
  readonly read?: (path: string, range: FileRange) => Promise<Uint8Array>;
}): Upload {
  const { path, append, store, read } = options;
  let image: FileImage | undefined = options.image;
  let attributes = options.attributes ?? {};
  let lastSize = 0;
  // A chunk was refused: what the client believes to have written is not in the image, so it must not be stored.
  let failure: unknown;

  function open(operation: string): FileImage {
    if (image === undefined) throw new FsError('EBADF', 'the upload has ended', { operation, path });
    return image;
  }

  /** Lets go of the image, so that a handle that lingers holds no bytes. */
  function close(): void {
    lastSize = image?.size ?? lastSize;
    image = undefined;
  }

  return {
    takesAtOnce: true,
    // Not async: a promise would tell the caller to wait. A refusal still is a rejection, never a throw.
    writeChunk(offset, bytes) {
      try {
        const target = open('writeChunk');
        if (failure !== undefined) throw failure;
        target.write(append ? target.size : offset, bytes);
        return undefined;
      } catch (error) {
        if (image !== undefined) failure ??= error;
        return Promise.reject(error);
      }
    },
    async setSize(size) {
      open('setSize').setSize(size);
    },
    async readChunk(offset, length) {
      return new Uint8Array(
        open('readChunk')
          .contents()
          .subarray(offset, offset + length),
      );
    },
    setAttributes(given) {
      open('setAttributes');
      attributes = { ...attributes, ...given };
    },
    ...(read === undefined
      ? {}
      : {
          async copyChunk(from: string, range: FileRange, to: number) {
            open('copyChunk');
            const bytes = await read(from, range);
            open('copyChunk').write(to, bytes);
          },
        }),
    get size() {
      return image?.size ?? lastSize;
    },
    async sync() {
      open('sync');
      if (failure !== undefined) throw failure;
    },
    async finishWrite() {
      const bytes = open('finishWrite').contents();
      close();
      if (failure !== undefined) throw failure;
      return await store(bytes, attributes);
    },
    async abortWrite() {
      close();
    },
  };
}
