import { randomUUID } from 'node:crypto';
import type { FileRange, StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError, toFsErrorCode } from '../contract/errors.ts';
import type { FailedUpload, JobPublisher } from '../contract/jobs.ts';
import type { FileLocation, StoredFile } from '../contract/types.ts';
import { DelegatedUpload } from './delegated-upload.ts';

type Ending = Pick<FailedUpload, 'outcome' | 'error' | 'bytes'>;

/** As in the trace of such an upload. */
const ABANDONED = { code: 'ECONNABORTED', message: 'ECONNABORTED: the upload ended without CLOSE' };

/**
 * Reports each upload that comes to nothing, once: refused when it is opened, given up by its client, or failed. Errors are rethrown
 * unchanged, and nobody waits for a report. What could have no place in the store, such as the root, is no upload of a file.
 */
export function withFailureEvents(
  backend: StreamingBackend,
  publisher: Pick<JobPublisher, 'reportFailure'>,
): StreamingBackend {
  function placeOf(call: RequestContext, path: string): FileLocation | undefined {
    try {
      const location = backend.locate(call, path);
      return location.key === '' ? undefined : location;
    } catch {
      return undefined;
    }
  }

  async function beginWrite(call: RequestContext, path: string, open: WriteOptions): Promise<Upload> {
    const { principal, connection, uploadId: id = randomUUID() } = call;
    const startedAt = new Date();
    const report = (ending: Ending) => {
      const location = placeOf(call, path);
      if (location === undefined) return;
      const failedAt = new Date();
      void publisher.reportFailure({
        id,
        path,
        location,
        principal,
        connection,
        startedAt,
        failedAt,
        ...ending,
      });
    };
    try {
      return new ReportedUpload(await backend.beginWrite({ ...call, uploadId: id }, path, open), report);
    } catch (error) {
      report(isCancelled(error) ? toAborted(0) : { outcome: 'refused', error: describe(error), bytes: 0 });
      throw error;
    }
  }

  return { ...backend, beginWrite };
}

class ReportedUpload extends DelegatedUpload {
  readonly #report: (ending: Ending) => void;
  #ended = false;
  /** What can only be followed by the abort, which is then no choice of the client. */
  #failure: unknown;

  constructor(upload: Upload, report: (ending: Ending) => void) {
    super(upload);
    this.#report = report;
  }

  override writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    try {
      return super.writeChunk(offset, bytes)?.catch((error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  override setSize(size: number): Promise<void> {
    return super.setSize(size).catch((error) => this.#fail(error));
  }

  override readChunk(offset: number, length: number): Promise<Uint8Array> {
    return super.readChunk(offset, length).catch((error) => this.#fail(error));
  }

  protected override copy(path: string, range: FileRange, to: number): Promise<void> {
    return super.copy(path, range, to).catch((error) => this.#fail(error));
  }

  override async finishWrite(): Promise<StoredFile> {
    const isFirst = this.#end();
    try {
      return await super.finishWrite();
    } catch (error) {
      if (isFirst) this.#report({ outcome: 'failed', error: describe(error), bytes: this.size });
      throw error;
    }
  }

  override async abortWrite(): Promise<void> {
    const isFirst = this.#end();
    const [failure, bytes] = [this.#failure, this.size];
    try {
      await super.abortWrite();
    } finally {
      if (isFirst) {
        this.#report(
          failure === undefined ? toAborted(bytes) : { outcome: 'failed', error: describe(failure), bytes },
        );
      }
    }
  }

  #fail(error: unknown): never {
    if (!isCancelled(error)) this.#failure ??= error;
    throw error;
  }

  /** True the first time: an upload ends once. */
  #end(): boolean {
    const isFirst = !this.#ended;
    this.#ended = true;
    return isFirst;
  }
}

function toAborted(bytes: number): Ending {
  return { outcome: 'aborted', error: ABANDONED, bytes };
}

/** Its client has gone. */
function isCancelled(error: unknown): boolean {
  return toFsErrorCode(error) === 'ECANCELED';
}

/** What is not of the contract may tell of the inside: the log has it. */
function describe(error: unknown): Ending['error'] {
  return error instanceof FsError
    ? { code: error.code, message: error.message }
    : { code: 'EIO', message: 'EIO: the upload could not be completed' };
}
