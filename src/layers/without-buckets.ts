import type { StreamingBackend } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';

/** Of so many users it is told that nothing is allowed to them. */
const MAX_TOLD = 1000;

/**
 * Over a backend that has no buckets: somebody whose files are in a bucket of their own must not be given those of others.
 * Everything is `EACCES` for them, and the log says why, once a user.
 */
export function withoutBuckets(backend: StreamingBackend, log: Log): StreamingBackend {
  const told = new Set<string>();

  function refuse({ username, bucket }: RequestContext['principal']): FsError {
    if (!told.has(username) && told.size < MAX_TOLD) {
      told.add(username);
      log.warn(
        { username, bucket, backend: backend.name },
        'a user has a bucket, and only the s3 backend has buckets: nothing is allowed',
      );
    }
    return new FsError('EACCES', 'the principal has a bucket, and the backend has none');
  }

  const guarded = <A extends unknown[], R>(
    operation: (context: RequestContext, ...args: A) => Promise<R>,
  ) => {
    return async (context: RequestContext, ...args: A): Promise<R> => {
      if (context.principal.bucket !== undefined) throw refuse(context.principal);
      return await operation(context, ...args);
    };
  };

  return {
    name: backend.name,
    async *listDir(context, path) {
      if (context.principal.bucket !== undefined) throw refuse(context.principal);
      yield* backend.listDir(context, path);
    },
    fileInfo: guarded(backend.fileInfo),
    makeDir: guarded(backend.makeDir),
    delDir: guarded(backend.delDir),
    delete: guarded(backend.delete),
    rename: guarded(backend.rename),
    readFile: guarded(backend.readFile),
    readFileRange: guarded(backend.readFileRange),
    writeFile: guarded(backend.writeFile),
    beginWrite: guarded(backend.beginWrite),
    storedFile: guarded(backend.storedFile),
    locate: (context, path) => backend.locate(context, path),
  };
}
