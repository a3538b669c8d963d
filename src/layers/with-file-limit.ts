import type { FileRange, StreamingBackend, Upload } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import type { StoredFile } from '../contract/types.ts';
import { DelegatedUpload } from './delegated-upload.ts';

/**
 * Nobody stores a file that is larger than their limits say: what would make it so is `EFBIG`, at once, and leaves what was there
 * as it was. A file that is larger already may be made shorter, and not otherwise be changed.
 */
export function withFileLimit(backend: StreamingBackend): StreamingBackend {
  return {
    ...backend,
    async writeFile(context, path, bytes, attributes) {
      assertWithin(bytes.length, limitOf(context), 'writeFile', path);
      return await backend.writeFile(context, path, bytes, attributes);
    },
    async beginWrite(context, path, options) {
      const upload = await backend.beginWrite(context, path, options);
      const limit = limitOf(context);
      if (limit === undefined) return upload;
      return new LimitedUpload(upload, { path, limit, appends: options.append });
    },
  };
}

interface Limited {
  readonly path: string;
  /** Bytes. */
  readonly limit: number;
  /** Whether writes go to the end, whatever their offset. */
  readonly appends: boolean;
}

class LimitedUpload extends DelegatedUpload {
  readonly #limited: Limited;

  constructor(upload: Upload, limited: Limited) {
    super(upload);
    this.#limited = limited;
  }

  override writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    this.#assertEnd('writeChunk', offset, bytes.length);
    return super.writeChunk(offset, bytes);
  }

  override async setSize(size: number): Promise<void> {
    this.#assertSize('setSize', size);
    await super.setSize(size);
  }

  protected override async copy(path: string, range: FileRange, to: number): Promise<void> {
    this.#assertEnd('copyChunk', to, range.length);
    await super.copy(path, range, to);
  }

  override async finishWrite(): Promise<StoredFile> {
    try {
      this.#assertSize('finishWrite', this.size);
    } catch (error) {
      await this.abortWrite();
      throw error;
    }
    return await super.finishWrite();
  }

  #assertEnd(operation: string, offset: number, length: number): void {
    this.#assertSize(operation, (this.#limited.appends ? this.size : offset) + length);
  }

  #assertSize(operation: string, size: number): void {
    const { limit, path } = this.#limited;
    assertWithin(size, limit, operation, path);
  }
}

function limitOf({ principal }: RequestContext): number | undefined {
  return principal.limits?.fileBytes;
}

function assertWithin(size: number, limit: number | undefined, operation: string, path: string): void {
  if (limit === undefined || size <= limit) return;
  throw new FsError('EFBIG', `the user may not store more than ${limit} bytes in a file`, {
    operation,
    path,
  });
}
