import { S3ServiceException } from '@aws-sdk/client-s3';
import { FsError, type FsErrorCode } from '../../contract/errors.ts';

/** S3's error codes (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) that mean something to a client. */
const CODE_OF: Readonly<Record<string, FsErrorCode>> = {
  NoSuchKey: 'ENOENT',
  NotFound: 'ENOENT',
  AccessDenied: 'EACCES',
  Forbidden: 'EACCES',
  AllAccessDisabled: 'EACCES',
  PreconditionFailed: 'ESTALE',
  ConditionalRequestConflict: 'EBUSY',
  EntityTooLarge: 'EFBIG',
  KeyTooLongError: 'ENAMETOOLONG',
  TimeoutError: 'ETIMEDOUT',
  RequestTimeout: 'ETIMEDOUT',
};

/** The one translation from what the S3 client throws to the contract's error. What is unknown is EIO. */
export function toFsError(error: unknown, operation: string, path: string): FsError {
  if (error instanceof FsError) return error;
  const name = error instanceof Error ? error.name : '';
  const code = CODE_OF[name] ?? codeOfStatus(error) ?? 'EIO';
  return new FsError(code, `S3 ${operation}: ${name || String(error)}`, { operation, path, cause: error });
}

/** HEAD answers have no body and so no code, only a status. */
function codeOfStatus(error: unknown): FsErrorCode | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  if (error.name === 'NoSuchBucket' || error.name === 'NoSuchUpload') return undefined;
  switch (error.$metadata.httpStatusCode) {
    case 403:
      return 'EACCES';
    case 404:
      return 'ENOENT';
    case 412:
      return 'ESTALE';
    default:
      return undefined;
  }
}

/** Whether an error says that the object, or the multipart upload, is not there. */
export function isNotFound(error: unknown): boolean {
  return (
    error instanceof S3ServiceException &&
    error.$metadata.httpStatusCode === 404 &&
    error.name !== 'NoSuchBucket'
  );
}
