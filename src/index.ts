/**
 * What others build on: the storage contract with its helpers, and the job that consumers receive.
 * @module
 */
export type { Authenticator, Credentials, PublicKey } from './contract/auth.ts';
export {
  type Backend,
  type FileRange,
  type RenameOptions,
  type StreamingBackend,
  supportsCallback,
  type Upload,
  type WriteOptions,
} from './contract/backend.ts';
export {
  type Connection,
  PERMISSIONS,
  type Permission,
  type Principal,
  type RequestContext,
  type Scope,
  type TraceContext,
} from './contract/context.ts';
export { FS_ERROR_CODES, FsError, type FsErrorCode, type FsErrorDetails } from './contract/errors.ts';
export type {
  AnnouncedJob,
  Delivery,
  FailedUpload,
  JobPlace,
  JobPublisher,
} from './contract/jobs.ts';
export { isRootPath, MAX_NAME_BYTES, MAX_PATH_BYTES, normalizePath } from './contract/path.ts';
export {
  type Checksum,
  type DirectoryEntry,
  directoryInfo,
  type FileAttributes,
  type FileInfo,
  type FileLocation,
  type FileNotes,
  type FileType,
  fileInfo,
  type StoredFile,
} from './contract/types.ts';
export {
  type JobEvent,
  jobEvent,
  type UploadFailedEvent,
  type UploadFinishedEvent,
  type UploadRenamedEvent,
  uploadFailedEvent,
  uploadFinishedEvent,
  uploadRenamedEvent,
} from './jobs/event.ts';
