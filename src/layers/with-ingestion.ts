import { randomUUID } from 'node:crypto';
import type { StreamingBackend, Upload } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import type { JobPublisher } from '../contract/jobs.ts';
import type { FileAttributes, StoredFile } from '../contract/types.ts';

/**
 * One job for each upload that the backend has finished, before anybody hears that it is. A job that cannot be
 * published fails `finishWrite`, although the file is stored by then: the client tries again and replaces it.
 */
export function withIngestion(backend: StreamingBackend, publisher: JobPublisher): StreamingBackend {
  return {
    ...backend,
    beginWrite: async (call, path, options) => {
      const startedAt = new Date();
      const upload = await backend.beginWrite(call, path, options);
      return new IngestedUpload(upload, (stored) => publish(call, path, startedAt, stored));
    },
  };

  async function publish(
    { principal, connection, uploadId }: RequestContext,
    path: string,
    startedAt: Date,
    stored: StoredFile,
  ): Promise<void> {
    const id = uploadId ?? randomUUID();
    await publisher.publish({ id, path, stored, principal, connection, startedAt, finishedAt: new Date() });
  }
}

class IngestedUpload implements Upload {
  readonly #upload: Upload;
  readonly #publish: (stored: StoredFile) => Promise<void>;
  readonly unitAt?: (offset: number) => number;
  readonly copyChunk?: NonNullable<Upload['copyChunk']>;

  constructor(upload: Upload, publish: (stored: StoredFile) => Promise<void>) {
    this.#upload = upload;
    this.#publish = publish;
    if (upload.unitAt !== undefined) this.unitAt = upload.unitAt.bind(upload);
    if (upload.copyChunk !== undefined) this.copyChunk = upload.copyChunk.bind(upload);
  }

  get size(): number {
    return this.#upload.size;
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

  async finishWrite(): Promise<StoredFile> {
    const stored = await this.#upload.finishWrite();
    await this.#publish(stored);
    return stored;
  }

  abortWrite(): Promise<void> {
    return this.#upload.abortWrite();
  }
}
