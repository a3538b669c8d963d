import { randomUUID } from 'node:crypto';
import type { StreamingBackend, Upload } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import type { JobPublisher } from '../contract/jobs.ts';
import type { StoredFile } from '../contract/types.ts';
import { DelegatedUpload } from './delegated-upload.ts';

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
      return new IngestedUpload(upload, publisher, (stored) => publish(call, path, startedAt, stored));
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

class IngestedUpload extends DelegatedUpload {
  readonly #publisher: JobPublisher;
  readonly #publish: (stored: StoredFile) => Promise<void>;

  constructor(upload: Upload, publisher: JobPublisher, publish: (stored: StoredFile) => Promise<void>) {
    super(upload);
    this.#publisher = publisher;
    this.#publish = publish;
  }

  override async finishWrite(): Promise<StoredFile> {
    const stored = await this.#finishExpected();
    await this.#publish(stored);
    return stored;
  }

  async #finishExpected(): Promise<StoredFile> {
    const arrived = this.#publisher.expect();
    try {
      return await super.finishWrite();
    } finally {
      arrived();
    }
  }
}
