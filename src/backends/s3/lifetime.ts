import { setMaxListeners } from 'node:events';
import { FsError } from '../../contract/errors.ts';

/** Whether an upload can still be used. It meets its first failure in every later call. */
export class Lifetime {
  readonly #gone = new AbortController();
  #failure: FsError | undefined;
  #ended = false;

  constructor() {
    // Each request under way listens to it, and each retry of one.
    setMaxListeners(0, this.#gone.signal);
  }

  /** Aborted once nothing of the upload is wanted any more: cancels what is in flight. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  get failure(): FsError | undefined {
    return this.#failure;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Returns the first failure, be it this one or an earlier one. */
  fail(error: FsError): FsError {
    this.#failure ??= error;
    this.#gone.abort(this.#failure);
    return this.#failure;
  }

  /** The upload has ended well. */
  end(): void {
    this.#ended = true;
  }

  abort(): void {
    this.#ended = true;
    this.#gone.abort(new FsError('EIO', 'the upload was aborted'));
  }

  /** @throws the failure, or FsError `EBADF` when the upload has ended. */
  assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new FsError('EBADF', 'the upload has ended');
  }
}
