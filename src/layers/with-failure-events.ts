import { randomUUID } from 'node:crypto';
import type { StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import type { FailedUpload, JobPublisher } from '../contract/jobs.ts';
import type { FileLocation } from '../contract/types.ts';
import { principalAt } from './virtual-folders.ts';
import { isCancelled, type UploadEnding, WatchedUpload } from './watched-upload.ts';

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
    const { connection, uploadId: id = randomUUID() } = call;
    const startedAt = new Date();
    const report = (ending: Ending) => {
      const location = placeOf(call, path);
      if (location === undefined) return;
      const failedAt = new Date();
      const principal = principalAt(call.principal, path);
      const failed = { id, path, location, principal, connection, startedAt, failedAt, ...ending };
      void publisher.reportFailure(failed, call.scope?.trace);
    };
    try {
      const upload = await backend.beginWrite({ ...call, uploadId: id }, path, open);
      return new WatchedUpload(upload, (ending) => {
        if (ending.outcome !== 'finished') report(toEnding(ending));
      });
    } catch (error) {
      report(isCancelled(error) ? toAborted(0) : { outcome: 'refused', error: describe(error), bytes: 0 });
      throw error;
    }
  }

  return { ...backend, beginWrite };
}

function toEnding(ending: Exclude<UploadEnding, { outcome: 'finished' }>): Ending {
  const { bytes } = ending;
  if (ending.outcome === 'aborted') return toAborted(bytes);
  return { outcome: 'failed', error: describe(ending.error), bytes };
}

function toAborted(bytes: number): Ending {
  return { outcome: 'aborted', error: ABANDONED, bytes };
}

/** What is not of the contract may tell of the inside: the log has it. */
function describe(error: unknown): Ending['error'] {
  return error instanceof FsError
    ? { code: error.code, message: error.message }
    : { code: 'EIO', message: 'EIO: the upload could not be completed' };
}
