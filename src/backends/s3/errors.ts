import { S3ServiceException } from '@aws-sdk/client-s3';
import { FsError, type FsErrorCode } from '../../contract/errors.ts';

/** One way for a request to S3 to fail, and what becomes of it. */
export interface S3Failure {
  readonly code: FsErrorCode;
  /**
   * Whether the request is sent again: `yes`, `backoff` with the wide pauses of throttling, `no`, and `skew` once
   * the SDK has set its clock by the answer.
   */
  readonly again: 'yes' | 'backoff' | 'no' | 'skew';
}

const failure = (code: FsErrorCode, again: S3Failure['again'] = 'no'): S3Failure => ({ code, again });

/**
 * By the code that S3 names (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), other stores'
 * codes among them. docs/errors.md has this table for people, and a test holds the two together.
 *
 * - Credentials or a clock that S3 does not take are faults of this server: EIO, and the log says which. EACCES would
 *   send the client's user after permissions that nobody has refused.
 * - A store that stays throttled after every retry is EIO as well: EBUSY would say that the file is in use.
 * - An archived object is EACCES, as in Mountpoint for Amazon S3: it is there and may not be read as things are.
 * - An upload that is gone is EIO: the file that the client wrote is lost, whatever stands under its name.
 */
export const BY_CODE: Readonly<Record<string, S3Failure>> = {
  NoSuchKey: failure('ENOENT'),
  NoSuchVersion: failure('ENOENT'),
  NotFound: failure('ENOENT'),
  NoSuchBucket: failure('EIO'),
  NoSuchUpload: failure('EIO'),

  AccessDenied: failure('EACCES'),
  AllAccessDisabled: failure('EACCES'),
  Forbidden: failure('EACCES'),
  InvalidObjectState: failure('EACCES'),

  AccountProblem: failure('EIO'),
  AuthorizationHeaderMalformed: failure('EIO'),
  ExpiredToken: failure('EIO'),
  InvalidAccessKeyId: failure('EIO'),
  InvalidSecurity: failure('EIO'),
  InvalidToken: failure('EIO'),
  NotSignedUp: failure('EIO'),
  PermanentRedirect: failure('EIO'),
  RequestExpired: failure('EIO', 'skew'),
  RequestTimeTooSkewed: failure('EIO', 'skew'),
  SignatureDoesNotMatch: failure('EIO', 'skew'),

  PreconditionFailed: failure('ESTALE'),
  ConditionalRequestConflict: failure('EBUSY', 'yes'),
  OperationAborted: failure('EBUSY', 'yes'),

  BadDigest: failure('EIO'),
  EntityTooSmall: failure('EIO'),
  IncompleteBody: failure('EIO', 'yes'),
  InvalidDigest: failure('EIO'),
  InvalidPart: failure('EIO'),
  InvalidPartOrder: failure('EIO'),
  XAmzContentSHA256Mismatch: failure('EIO'),

  EntityTooLarge: failure('EFBIG'),
  KeyTooLongError: failure('ENAMETOOLONG'),
  InvalidRange: failure('EINVAL'),
  InvalidURI: failure('EINVAL'),
  XMinioInvalidObjectName: failure('EINVAL'),
  MethodNotAllowed: failure('ENOTSUP'),
  NotImplemented: failure('ENOTSUP'),

  QuotaExceeded: failure('EDQUOT'),
  XMinioAdminBucketQuotaExceeded: failure('EDQUOT'),
  XMinioStorageFull: failure('ENOSPC'),

  InternalError: failure('EIO', 'yes'),
  RequestTimeout: failure('ETIMEDOUT', 'yes'),
  RequestLimitExceeded: failure('EIO', 'backoff'),
  ServiceUnavailable: failure('EIO', 'backoff'),
  SlowDown: failure('EIO', 'backoff'),
  SlowDownRead: failure('EIO', 'backoff'),
  SlowDownWrite: failure('EIO', 'backoff'),
  Throttling: failure('EIO', 'backoff'),
  TooManyRequests: failure('EIO', 'backoff'),
};

/** By the status alone, where no code is known: an answer to HEAD has no body, and so no code. */
export const BY_STATUS: Readonly<Record<number, S3Failure>> = {
  403: failure('EACCES'),
  404: failure('ENOENT'),
  405: failure('ENOTSUP'),
  412: failure('ESTALE'),
  413: failure('EFBIG'),
  416: failure('EINVAL'),
  429: failure('EIO', 'backoff'),
  500: failure('EIO', 'yes'),
  501: failure('ENOTSUP'),
  502: failure('EIO', 'yes'),
  503: failure('EIO', 'backoff'),
  504: failure('ETIMEDOUT', 'yes'),
  507: failure('ENOSPC'),
};

/** Without any answer: by Node's code, or by the name that the SDK gives to a time-out or a cancellation of its own. */
export const BY_CONNECTION: Readonly<Record<string, S3Failure>> = {
  EAI_AGAIN: failure('EIO', 'yes'),
  ECONNREFUSED: failure('EIO', 'yes'),
  ECONNRESET: failure('EIO', 'yes'),
  EHOSTUNREACH: failure('EIO', 'yes'),
  ENETUNREACH: failure('EIO', 'yes'),
  ENOTFOUND: failure('EIO', 'yes'),
  EPIPE: failure('EIO', 'yes'),
  ETIMEDOUT: failure('ETIMEDOUT', 'yes'),
  TimeoutError: failure('ETIMEDOUT', 'yes'),
  AbortError: failure('ECANCELED'),
};

const UNKNOWN = failure('EIO');

/** The one translation from what the S3 client throws to the contract's error. What is unknown is EIO. */
export function toFsError(error: unknown, operation: string, path: string): FsError {
  if (error instanceof FsError) return error;
  const name = error instanceof Error ? error.name : '';
  const { code } = toS3Failure(error);
  return new FsError(code, `S3 ${operation}: ${name || String(error)}`, { operation, path, cause: error });
}

/** A known code keeps its meaning in any status: the SDK calls an error inside a 200 a 503. */
export function toS3Failure(error: unknown): S3Failure {
  const { name, code } = Object(error) as { readonly name?: unknown; readonly code?: unknown };
  const status = statusOf(error);
  if (status !== undefined) return lookUp(BY_CODE, name) ?? BY_STATUS[status] ?? UNKNOWN;
  // The SDK calls a reset a TimeoutError as well, so Node's code goes first.
  return lookUp(BY_CONNECTION, code) ?? lookUp(BY_CONNECTION, name) ?? UNKNOWN;
}

/** The HTTP status of S3's answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const { $metadata } = Object(error) as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}

/** Whether an error says that the object, or the multipart upload, is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof S3ServiceException && statusOf(error) === 404 && error.name !== 'NoSuchBucket';
}

function lookUp(table: Readonly<Record<string, S3Failure>>, name: unknown): S3Failure | undefined {
  return typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
}
