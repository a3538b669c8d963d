import type { FsErrorCode } from '../contract/errors.ts';
import { StatusCode } from './wire/constants.ts';

/**
 * What a client hears for each POSIX code: the SFTP status (draft-ietf-secsh-filexfer-02, section 7) and one fixed
 * sentence. Internal messages never reach a client. docs/errors.md is held to this table by a test.
 */
export const STATUS_OF = {
  EACCES: [StatusCode.PERMISSION_DENIED, 'Permission denied'],
  EAGAIN: [StatusCode.FAILURE, 'Not now; connect again'],
  EBADF: [StatusCode.FAILURE, 'The handle is not open for that'],
  EBUSY: [StatusCode.FAILURE, 'The file or directory is in use'],
  ECANCELED: [StatusCode.FAILURE, 'The request was cancelled'],
  EDQUOT: [StatusCode.FAILURE, 'The quota is used up'],
  EEXIST: [StatusCode.FAILURE, 'It exists already'],
  EFBIG: [StatusCode.FAILURE, 'The file is too large'],
  EINVAL: [StatusCode.FAILURE, 'Invalid argument'],
  EIO: [StatusCode.FAILURE, 'The storage failed'],
  EISDIR: [StatusCode.FAILURE, 'It is a directory'],
  EMFILE: [StatusCode.FAILURE, 'Too many open handles'],
  ENAMETOOLONG: [StatusCode.FAILURE, 'The name is too long'],
  ENOENT: [StatusCode.NO_SUCH_FILE, 'No such file or directory'],
  ENOSPC: [StatusCode.FAILURE, 'No space left'],
  ENOTDIR: [StatusCode.NO_SUCH_FILE, 'A part of the path is not a directory'],
  ENOTEMPTY: [StatusCode.FAILURE, 'The directory is not empty'],
  ENOTSUP: [StatusCode.OP_UNSUPPORTED, 'This server does not support that'],
  EPERM: [StatusCode.PERMISSION_DENIED, 'Operation not permitted'],
  EROFS: [StatusCode.PERMISSION_DENIED, 'Read-only file system'],
  ESTALE: [StatusCode.FAILURE, 'The file was replaced in the meantime'],
  ETIMEDOUT: [StatusCode.FAILURE, 'The storage did not answer in time'],
  EXDEV: [StatusCode.FAILURE, 'It cannot be moved there from here'],
} as const satisfies Record<FsErrorCode, readonly [StatusCode, string]>;
