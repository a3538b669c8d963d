/** Who authenticated, and what the authentication source says of them. */
export interface Principal {
  readonly username: string;
  /** Opaque attributes of the session, for instance `{ prefix: "tenants/acme/" }`. Backends may read them. */
  readonly session: Readonly<Record<string, string>>;
  /** What the principal may do; everything when absent. */
  readonly permissions?: readonly Permission[];
  /** S3 alone: the bucket that the principal's files are in; that of the service when absent. */
  readonly bucket?: string;
  /** What they see as directories, and nothing else; everything that the session leads to, as `/`, when absent. Never reaches a backend. */
  readonly folders?: readonly VirtualFolder[];
  /** Where relative paths begin, a normalised path; `/` when absent. It need not exist. */
  readonly home?: string;
  /** How much of it; without limit where it is absent. */
  readonly limits?: PrincipalLimits;
}

/**
 * A directory that a principal sees, and where its files are. Folders may lie within each other: the longest path wins. What is absent is as
 * the principal has it (docs/tenancy.md).
 */
export interface VirtualFolder {
  /** What the client sees: a normalised path, of which there is one alone. `/` may be one. */
  readonly path: string;
  /** The directory in the backend, below what the session leads to: a normalised path; `/` when absent. It need not exist. */
  readonly target?: string | undefined;
  /** Attributes that take the place of those of the same name in the session. */
  readonly session?: Readonly<Record<string, string>> | undefined;
  /** S3 alone: the bucket of this folder. */
  readonly bucket?: string | undefined;
  /** What the principal may do in this folder. */
  readonly permissions?: readonly Permission[] | undefined;
}

/** What a principal is held to, by each process for itself; each is without limit when absent (docs/users.md). */
export interface PrincipalLimits {
  /** Connections that may be logged in at once; as the server has it for everybody when absent. */
  readonly sessions?: number;
  /** Bytes of files a second, over all connections: so many of uploads, and so many of downloads. */
  readonly bytesPerSecond?: number;
  /** Size of the largest file that may be uploaded, in bytes. */
  readonly fileBytes?: number;
  /** Where they may come from: subnets (CIDRs) or addresses. */
  readonly addresses?: readonly string[];
  /** Until when they may be there: ISO 8601, an instant with its zone, or a date, which lasts to its end in UTC. */
  readonly expires?: string;
}

/** Everything that a principal may be allowed to do (docs/users.md). */
export const PERMISSIONS = ['list', 'read', 'write', 'delete', 'rename', 'mkdir'] as const;
/** One of them. */
export type Permission = (typeof PERMISSIONS)[number];

/** The SSH connection that a request came by. */
export interface Connection {
  /** Random, unique; the same in logs, spans and jobs. */
  readonly id: string;
  readonly clientAddress: string;
  readonly clientPort: number;
  /** The client's SSH identification string without `SSH-2.0-`, as it claims. */
  readonly clientVersion: string;
}

/** W3C trace context of whatever others shall continue (https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/**
 * What a request is part of, for those who trace. Whoever calls others on a request's account makes each call in its scope, and
 * later ones too: nothing else tells whose they are (docs/adr/0011-explicit-scopes.md).
 */
export interface Scope {
  /** Of what is going on at this moment; an upload's goes from one of its operations to the next. */
  readonly trace: TraceContext;
  /** Runs `work` within: what it does before it first waits belongs to the request. */
  run<T>(work: () => T): T;
}

/** Goes to every call of a backend: one contract serves session-aware and plain backends alike. */
export interface RequestContext {
  readonly principal: Principal;
  readonly connection: Connection;
  /**
   * Aborted when nobody waits for the answer any more: the client is gone, or has closed the handle. What is still
   * running may stop with `ECANCELED`, except `finishWrite`, which goes on to its end.
   */
  readonly signal: AbortSignal;
  /** Absent where nobody traces. Of `beginWrite`: that of the upload, until it has ended. */
  readonly scope?: Scope;
  /** Of `beginWrite` alone: the upload's id, the same in its spans, logs and job. */
  readonly uploadId?: string;
}
