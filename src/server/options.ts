import type { Meter, Tracer } from '@opentelemetry/api';
import type { Authenticator } from '../contract/auth.ts';
import type { BackendFactory, ManagedBackend } from '../contract/backend-source.ts';
import type { Permission, PrincipalLimits, VirtualFolder } from '../contract/context.ts';
import type { JobPublisher } from '../contract/jobs.ts';
import type { Log } from '../contract/log.ts';
import type { JobEvent } from '../jobs/event.ts';

/** What a server is made of. All but the first three may be left out. */
export interface ServerOptions {
  /** Where files are kept. */
  readonly backend: BackendSource;
  /** For the `init` of a backend that is a factory or a module; handed over unchecked. */
  readonly backendOptions?: unknown;
  /** Who may come in. */
  readonly auth: AuthSource;
  /** What the server proves its identity with: at least one key, and one of each type that clients are to choose from. */
  readonly hostKeys: HostKeySource | readonly HostKeySource[];
  /** Who is told of files that are whole, before the client hears of it. Without it nobody is. */
  readonly jobs?: JobsSource | undefined;

  /**
   * Names of files that are renamed when they are whole, and have their job then; `*` and `?` as in a shell.
   * @defaultValue what clients are known to use: `*.filepart`, `*.partial`, `*.part`, `*.tmp`, `.in.*`, `.*.??????`
   */
  readonly temporaryNames?: readonly string[] | undefined;
  /**
   * What becomes of an upload whose name another file has: that is replaced, the upload fails, or it stands beside it under a
   * name of its own.
   * @defaultValue `overwrite`
   */
  readonly duplicates?: 'overwrite' | 'reject' | 'version' | undefined;
  /**
   * Which file beside it a file's job waits for: `NAME.done`, or `NAME.sha256` with its sum. Needs `jobs`.
   * @defaultValue none
   */
  readonly sidecar?: 'done' | 'sha256' | undefined;
  /**
   * Whether a rename of a file that had its job is told too. Needs `jobs`.
   * @defaultValue `false`
   */
  readonly reportsRenames?: boolean | undefined;

  /**
   * Bytes of uploads and downloads that are buffered at once, of all clients together: from 16 MiB on, in whole bytes.
   * Clients wait when they are used up.
   * @defaultValue 256 MiB
   */
  readonly memoryBudgetBytes?: number | undefined;
  /**
   * Where buffers of the S3 backend go that memory has no room for; `false`: they wait instead.
   * @defaultValue 1 GiB in the system's temporary folder
   */
  readonly spool?: SpoolOptions | false | undefined;
  /**
   * Connections at once, from 1 to 100,000.
   * @defaultValue 1000
   */
  readonly maxSessions?: number | undefined;
  /**
   * Connections of one user at once, from 0 (any number) to 100,000, unless the user's own limits say otherwise.
   * @defaultValue 100
   */
  readonly maxSessionsPerUser?: number | undefined;
  /**
   * Connections of one address (IPv6: of one network of 64 bits) that have not logged in, from 1 to 100,000 (docs/security.md).
   * @defaultValue 50
   */
  readonly maxStartupsPerAddress?: number | undefined;
  /**
   * Subnets (CIDRs) or addresses that are not kept outside after failed logins: who is behind a proxy or a router of them is not
   * one client.
   * @defaultValue private networks and this machine
   */
  readonly penaltyExempt?: readonly string[] | undefined;
  /**
   * `compatible` offers SHA-1 too, for clients that know nothing better (docs/security.md).
   * @defaultValue 'modern'
   */
  readonly sshAlgorithms?: 'modern' | 'compatible' | undefined;
  /**
   * Seconds from the connection to the login, from 1 to 3600.
   * @defaultValue 60
   */
  readonly loginGraceSeconds?: number | undefined;
  /**
   * Seconds after which an idle connection is closed, from 1 to 86,400.
   * @defaultValue 1800
   */
  readonly idleTimeoutSeconds?: number | undefined;
  /**
   * Subnets (CIDRs) or addresses of proxies that say in a PROXY header of version 2 whose a connection is; nobody else may
   * connect then (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
   * @defaultValue none: who connects is the client
   */
  readonly trustedProxies?: readonly string[] | undefined;

  /**
   * Names the service in the `source` of its jobs.
   * @defaultValue `sluice`
   */
  readonly serviceName?: string | undefined;
  /**
   * Takes the log lines: pino's, Fastify's or your own. No line has a password, a key or content of a file.
   * @defaultValue nobody
   */
  readonly log?: Log | undefined;
  /**
   * Makes the spans.
   * @defaultValue that of the global OpenTelemetry API, which does nothing unless the process has registered an SDK
   */
  readonly tracer?: Tracer | undefined;
  /**
   * Makes the metrics.
   * @defaultValue that of the global OpenTelemetry API, as it is when the server is created
   */
  readonly meter?: Meter | undefined;
  /**
   * Whether the writes of one S3 part are one span, or each is one.
   * @defaultValue `part`
   */
  readonly traceChunks?: 'part' | 'each' | undefined;
}

/**
 * Where files are kept: a backend, a factory of one, one that the package has ({@link s3Backend}, {@link folderBackend}, {@link memoryBackend}), or a
 * module that exports one: a path from the working directory (`./backend.js`), an absolute one, a URL, or the name of a package.
 */
export type BackendSource = ManagedBackend | BackendFactory | BuiltInBackend | string | URL;

/** A backend of the package that is made with the server: it has an outbox for jobs, and sweeps up after dead processes. */
export type BuiltInBackend =
  | { readonly kind: 's3'; readonly options: S3BackendOptions }
  | { readonly kind: 'folder'; readonly options: FolderStoreOptions };

/** Where on this machine files are kept, and when what is left behind is cleared away. */
export interface FolderStoreOptions {
  /** The folder; relative to the working directory of the process. It has to be there. */
  readonly root: string;
  /**
   * What of it a user sees: everything below a path, or `session:KEY` to take that from the user's session.
   * @defaultValue all of it
   */
  readonly prefix?: string | undefined;
  /**
   * Hours after which an unfinished upload counts as left behind by a dead process, and is deleted; 0: never.
   * @defaultValue 168
   */
  readonly staleUploadHours?: number | undefined;
}

/** Where in S3, or in a store that speaks its protocol, files are kept. */
export interface S3BackendOptions {
  readonly bucket: string;
  /**
   * What the keys of all files begin with: a text, or `session:KEY` for the attribute KEY of the user's session.
   * @defaultValue nothing
   */
  readonly prefix?: string | undefined;
  /**
   * Hours after which an unfinished upload counts as left behind by a dead process, and is aborted; 0: never.
   * @defaultValue 168
   */
  readonly staleUploadHours?: number | undefined;
  /**
   * A role that is assumed for each user, with a policy for that user's files alone (docs/tenancy.md).
   * @defaultValue none: files are reached by the server's own credentials
   */
  readonly assumeRole?: AssumeRoleOptions | undefined;
  readonly aws?: AwsOptions | undefined;
}

/** A role of IAM, and how STS is reached. */
export interface AssumeRoleOptions {
  readonly roleArn: string;
  /** What its trust policy asks for (`sts:ExternalId`). */
  readonly externalId?: string | undefined;
  readonly aws?: AwsOptions | undefined;
}

/** How a service of AWS is reached. What is left out, the AWS SDK finds where it always does. */
export interface AwsOptions {
  /** An http(s) URL, for a service that is not AWS. */
  readonly endpoint?: string | undefined;
  /** Of AWS; `us-east-1` where an `endpoint` has none. */
  readonly region?: string | undefined;
  readonly credentials?: AwsCredentials | undefined;
}

/** Credentials that do not change. Never logged. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A folder for buffers. Its files have no names and are gone with the process. */
export interface SpoolOptions {
  /** @defaultValue the system's temporary folder */
  readonly folder?: string | undefined;
  /**
   * How many bytes may lie there.
   * @defaultValue 1 GiB
   */
  readonly bytes?: number | undefined;
}

/**
 * Who may come in: an authenticator, a function that is one, the users themselves, or a file that has them and is read again
 * within seconds of a change.
 */
export type AuthSource = Authenticator | Authenticate | UsersDocument | UsersFile;

/** The one function of an {@link Authenticator}. */
export type Authenticate = Authenticator['authenticate'];

/** The users document, as an object (docs/users.md). */
export interface UsersDocument {
  readonly users: readonly UserEntry[];
}

/** One user; at least one of `passwordHash` and `publicKeys` is needed. */
export interface UserEntry {
  /** 1 to 64 letters, digits or `_ . @ + -`. */
  readonly username: string;
  /** An argon2id hash, as `sluice hash-password` prints it. */
  readonly passwordHash?: string;
  /** Lines of an `authorized_keys` file, without options. */
  readonly publicKeys?: readonly string[];
  /** Attributes of the session, which backends may read; 16 KiB of JSON at most. */
  readonly session?: Readonly<Record<string, string>>;
  /** What the user may do; everything when absent. */
  readonly permissions?: readonly Permission[];
  /** The bucket of the user's files, where it is not that of the {@link s3Backend}. */
  readonly bucket?: string;
  /** What the user sees as directories, and nothing else (docs/tenancy.md); everything that the session leads to when absent. */
  readonly folders?: readonly VirtualFolder[];
  /** Where relative paths begin; `/` when absent. */
  readonly home?: string;
  /** What the user is held to (docs/users.md). */
  readonly limits?: PrincipalLimits;
}

/** A file with the users document in JSON. */
export interface UsersFile {
  readonly usersFile: string | URL;
}

/** The text of a private key (PEM, or OpenSSH's format) without a passphrase, or a folder of such keys. */
export type HostKeySource = string | HostKeyFolder;

/** A folder of private keys, as `sluice host-key` makes it; `.pub` files are passed over. */
export interface HostKeyFolder {
  readonly folder: string;
}

/** Who is told of files that are whole: queues of SQS, a function, or a publisher that does everything itself. */
export type JobsSource = QueueJobs | HandlerJobs | JobPublisher;

/** A message of SQS for each file. */
export interface QueueJobs {
  /** Of a standard queue or a FIFO queue. */
  readonly queueUrl: string;
  /**
   * Where uploads are reported that have come to nothing; it may be the same queue.
   * @defaultValue nowhere
   */
  readonly failureQueueUrl?: string | undefined;
  /**
   * Whose jobs a FIFO queue keeps in order: those of one user, or of one key prefix.
   * @defaultValue `principal`
   */
  readonly groupBy?: 'principal' | 'prefix' | undefined;
  /**
   * Whether every object has its job, also one that a crash left unanswered; needs {@link s3Backend}.
   * @defaultValue `false`: every upload that was answered OK has its job
   */
  readonly everyObject?: boolean | undefined;
  readonly aws?: AwsOptions | undefined;
}

/** A function of this process that takes the jobs. */
export interface HandlerJobs {
  /**
   * Called for each file that has come to stand under its name, whole. The client hears OK once it has resolved. When it rejects, or
   * takes longer than 20 seconds, the job waits beside the files and is tried again, where they are in S3 or a folder; with any other backend
   * the client hears that its upload has failed. It may be called again with the same `id`.
   */
  publish(event: JobEvent): Promise<void>;
}
