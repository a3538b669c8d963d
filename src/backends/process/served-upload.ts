import type { Upload } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';

/**
 * An upload on the side of its backend. What is asked of it is done in the order in which it was asked, each when the one before is
 * done; only the abort goes before all others, as it must when a write waits for room.
 */
export class ServedUpload {
  readonly #beginning: Promise<Upload>;
  #last: Promise<unknown>;

  constructor(beginning: Promise<Upload>) {
    this.#beginning = beginning;
    this.#last = beginning.catch(() => undefined);
  }

  /** The upload, once it has begun. */
  begun(): Promise<Upload> {
    return this.#beginning;
  }

  inTurn<T>(work: (upload: Upload) => T | Promise<T>): Promise<T> {
    const done = this.#last.then(async () => work(await this.#beginning));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Never rejects for an upload that has not begun. */
  async abort(): Promise<void> {
    const upload = await this.#beginning.catch(() => undefined);
    await upload?.abortWrite();
  }
}

/** Copies a range, which not every upload can. @throws FsError `ENOTSUP`. */
export async function copyInto(upload: Upload, ...copy: Parameters<NonNullable<Upload['copyChunk']>>) {
  if (upload.copyChunk === undefined) throw new FsError('ENOTSUP', 'the upload does not copy');
  await upload.copyChunk(...copy);
}
