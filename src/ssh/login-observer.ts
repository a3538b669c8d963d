import type { Connection } from '../contract/context.ts';

/** `offered`: the key would do, and is to be proven next. `partial`: it is right, and more is asked for. `failed`: nobody could be asked. */
export type AuthenticationOutcome = 'accepted' | 'offered' | 'partial' | 'refused' | 'failed';

/**
 * `turned_away`: there were too many. `too_many_sessions`: of the one user who was about to be logged in. `no_client`: it ended, or was ended, before a proxy had said whose it was. `no_login`: likewise,
 * before anybody had logged in.
 */
export type ConnectionOutcome = 'logged_in' | 'no_login' | 'no_client' | 'turned_away' | 'too_many_sessions';

/** What a client and the server have agreed on. */
export interface Negotiated {
  readonly kex: string;
  /** From the client to the server. */
  readonly cipher: string;
}

/** Sees one connection until somebody has logged in. */
export interface LoginObserver {
  /** What the log lines of the connection carry besides: the ids of the login's trace. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The client has said which software it is. */
  identified(connection: Connection): void;
  negotiated(algorithms: Negotiated): void;
  /** An attempt begins; the returned function ends it. */
  attempted(username: string, method: string): (outcome: AuthenticationOutcome, error?: unknown) => void;
  /** Only the first call counts. */
  ended(outcome: ConnectionOutcome): void;
}

/** Sees every connection as it comes. The composition root passes one that traces and counts. */
export type ObserveLogin = (clientAddress: string, clientPort: number) => LoginObserver;
