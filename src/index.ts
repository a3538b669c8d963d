/**
/**
 * The server as a library ({@link createServer}), and what others build on: the storage contract with its helpers, the folder backend,
 * and the job that consumers receive. Importing it starts nothing, and loads neither the AWS SDK nor OpenTelemetry.
 * @module
 */
export { BackendError } from './backends/custom/check.ts';
export { createFolderBackend, type FolderBackendOptions } from './backends/folder/backend.ts';
export type { LiveSession, LiveUpload, LoginAttempt, SentJob } from './contract/activity.ts';
export type {
  AuthenticationMethod,
  Authenticator,
  Credentials,
  FurtherProof,
  PublicKey,
  SecurityKeyUse,
} from './contract/auth.ts';
export {
  type Backend,
  type FileRange,
  type RenameOptions,
  type StreamingBackend,
  supportsCallback,
  type Upload,
  type WriteOptions,
} from './contract/backend.ts';
export type {
  BackendFactory,
  BackendLifecycle,
  BackendSurroundings,
  ManagedBackend,
} from './contract/backend-source.ts';
export {
  type Connection,
  PERMISSIONS,
  type Permission,
  type Principal,
  type PrincipalLimits,
  type RequestContext,
  type Scope,
  type TraceContext,
  type VirtualFolder,
} from './contract/context.ts';
export { FS_ERROR_CODES, FsError, type FsErrorCode, type FsErrorDetails } from './contract/errors.ts';
export type {
  AnnouncedJob,
  Delivery,
  FailedUpload,
  JobPlace,
  JobPublisher,
} from './contract/jobs.ts';
export type { Log, WriteLine } from './contract/log.ts';
export type { MemoryAllowance } from './contract/memory.ts';
export { isRootPath, MAX_NAME_BYTES, MAX_PATH_BYTES, normalizePath } from './contract/path.ts';
export type { ProbeResult } from './contract/probe.ts';
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
export {
  type AuthorizedKey,
  AuthorizedKeysError,
  findAuthorizedKey,
  parseAuthorizedKeys,
} from './keys/authorized-keys.ts';
export { fingerprint } from './keys/public-key.ts';
export { folderBackend, memoryBackend, s3Backend } from './server/built-in.ts';
export { createServer, generateHostKey } from './server/create-server.ts';
export type { FinishedUpload, ServerEvents, UnfinishedUpload, UploadRecord } from './server/events.ts';
export type {
  AssumeRoleOptions,
  Authenticate,
  AuthSource,
  AwsCredentials,
  AwsOptions,
  BackendSource,
  BuiltInBackend,
  FolderStoreOptions,
  HandlerJobs,
  HostKeyFolder,
  HostKeySource,
  JobsSource,
  QueueJobs,
  S3BackendOptions,
  ServerOptions,
  SpoolOptions,
  UserEntry,
  UsersDocument,
  UsersFile,
} from './server/options.ts';
export { OptionsError } from './server/options-error.ts';
export type { CloseOptions, ListenOptions, PublicHostKey, SluiceServer } from './server/server.ts';
