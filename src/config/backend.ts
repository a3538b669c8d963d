import type { AwsConfig } from './aws.ts';
import { PROCESS_BACKEND, type Variables } from './schema.ts';

export type BackendConfig =
  | { readonly kind: 'memory' }
  | FolderConfig
  | S3Config
  | ModuleConfig
  | ProcessConfig;

export interface FolderConfig {
  readonly kind: 'folder';
  readonly folder: string;
  readonly prefix: string;
  /** As for s3. */
  readonly staleUploadMs: number;
}

export interface S3Config {
  readonly kind: 's3';
  readonly bucket: string;
  readonly prefix: string;
  /** Age at which an upload counts as abandoned; 0: none ever does. */
  readonly staleUploadMs: number;
  /** What users' files are reached by; undefined: by the service's own credentials. */
  readonly assumeRole: AssumeRoleConfig | undefined;
  readonly aws: AwsConfig;
}

/** A role that is assumed for each user, with what that user needs of it. */
export interface AssumeRoleConfig {
  readonly roleArn: string;
  readonly externalId: string | undefined;
  /** How STS is reached. */
  readonly aws: AwsConfig;
}

/** A backend that a module has. */
export interface ModuleConfig {
  readonly kind: 'module';
  /** A path, a `file:` URL or the name of a package. */
  readonly specifier: string;
  /** For its `init`, unchecked. */
  readonly options: unknown;
}

/** A backend in another thread or process. */
export interface ProcessConfig {
  readonly kind: 'process';
  /** A Unix socket, or a module that is run as a worker thread or as a child process. */
  readonly form: 'unix' | 'worker' | 'fork';
  /** Of the socket or the module. */
  readonly path: string;
}

export function toBackend(variables: Variables, aws: AwsConfig, sts: AwsConfig): BackendConfig {
  const prefix = variables.SLUICE_PREFIX;
  const staleUploadMs = variables.SLUICE_STALE_UPLOAD_HOURS * 3_600_000;
  const [, form, path] = PROCESS_BACKEND.exec(variables.SLUICE_BACKEND) ?? [];
  if (form !== undefined && path !== undefined) {
    return { kind: 'process', form: form as ProcessConfig['form'], path };
  }
  switch (variables.SLUICE_BACKEND) {
    case 'memory':
      return { kind: 'memory' };
    case 'folder':
      return { kind: 'folder', folder: variables.SLUICE_FOLDER as string, prefix, staleUploadMs };
    case 's3':
      return {
        kind: 's3',
        bucket: variables.SLUICE_BUCKET as string,
        prefix,
        staleUploadMs,
        assumeRole: toAssumeRole(variables, sts),
        aws,
      };
    default:
      return {
        kind: 'module',
        specifier: variables.SLUICE_BACKEND,
        options: variables.SLUICE_BACKEND_OPTIONS,
      };
  }
}

function toAssumeRole(variables: Variables, aws: AwsConfig): AssumeRoleConfig | undefined {
  const { SLUICE_ASSUME_ROLE_ARN: roleArn, SLUICE_ASSUME_ROLE_EXTERNAL_ID: externalId } = variables;
  return roleArn === undefined ? undefined : { roleArn, externalId, aws };
}
