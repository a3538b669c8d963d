import { FsError, type FsErrorCode } from 'sluice';

/** What was asked, for messages and logs. */
export interface Asked {
  readonly operation: string;
  readonly path: string;
}

/** The API's names of what went wrong, in the contract's codes. A name that is not here is a fault of the API: `EIO`. */
const CODES: Readonly<Record<string, FsErrorCode>> = {
  'not-found': 'ENOENT',
  'not-a-directory': 'ENOTDIR',
  'is-a-directory': 'EISDIR',
  exists: 'EEXIST',
  'not-empty': 'ENOTEMPTY',
  'in-use': 'EBUSY',
  'below-itself': 'EINVAL',
  changed: 'ESTALE',
  'too-large': 'EFBIG',
  'no-such-upload': 'EIO',
};

/** What a client hears of a refusal of the API. Its token being refused is our fault, not the user's: `EIO`. */
export async function toRefusal(response: Response, { operation, path }: Asked): Promise<FsError> {
  const { error } = Object(await response.json().catch(() => undefined)) as { error?: unknown };
  const code = (typeof error === 'string' && Object.hasOwn(CODES, error) && CODES[error]) || 'EIO';
  return new FsError(code, `the API answered ${response.status}`, { operation, path, cause: error });
}

/** What a client hears when there was no answer, or not all of it. */
export function toFailure(cause: unknown, { operation, path }: Asked, signals: Signals): FsError {
  if (cause instanceof FsError) return cause;
  if (signals.caller?.aborted)
    return new FsError('ECANCELED', 'nobody waits for it', { operation, path, cause });
  if (signals.timeout.aborted)
    return new FsError('ETIMEDOUT', 'the API did not answer', { operation, path, cause });
  return new FsError('EIO', 'the API cannot be reached', { operation, path, cause });
}

export interface Signals {
  readonly caller: AbortSignal | undefined;
  readonly timeout: AbortSignal;
}
