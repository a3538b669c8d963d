/** Who authenticated, and what the authentication source says of them. */
export interface Principal {
  readonly username: string;
  /** Opaque attributes of the session, for instance `{ prefix: "tenants/acme/" }`. Backends may read them. */
  readonly session: Readonly<Record<string, string>>;
  /** What the principal may do; everything when absent. */
  readonly permissions?: readonly Permission[];
  /** S3 alone: the bucket that the principal's files are in; that of the service when absent. */
  readonly bucket?: string;
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
