/** Who authenticated, and what the authentication source says of them. */
export interface Principal {
  readonly username: string;
  /** Opaque attributes of the session, for instance `{ prefix: "tenants/acme/" }`. Backends may read them. */
  readonly session: Readonly<Record<string, string>>;
  /** What the principal may do; everything when absent. */
  readonly permissions?: readonly Permission[];
}

export const PERMISSIONS = ['list', 'read', 'write', 'delete', 'rename', 'mkdir'] as const;
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

/** Goes to every call of a backend: one contract serves session-aware and plain backends alike. */
export interface RequestContext {
  readonly principal: Principal;
  readonly connection: Connection;
  /**
   * Aborted when nobody waits for the answer any more: the client is gone, or has closed the handle. What is still
   * running may stop with `ECANCELED`, except `finishWrite`, which goes on to its end.
   */
  readonly signal: AbortSignal;
  /** Of `beginWrite` alone: the upload's id, the same in its spans, logs and job. */
  readonly uploadId?: string;
}
