import type { Authenticator } from '../contract/auth.ts';
import type { Log } from '../contract/log.ts';
import type { Probe } from '../contract/probe.ts';
import { createRereadingAuthenticator } from './rereading-authenticator.ts';
import type { UsersSource } from './users-source.ts';
import { createWebhookAuthenticator } from './webhook-authenticator.ts';

/** Where it is known who may come in, read or found once, before anything runs. */
export interface Identities {
  /** For whoever looks after the service: `3 may log in`. */
  readonly summary: string;
  /** Whether it can be asked, where that is not known from having read it. */
  readonly probe?: Probe;
  /** One that changes meanwhile is told when to begin and to end with that. */
  open(log: Log): Promise<Authenticator & { start?(): void; stop?(): void }>;
}

/** The users of a document, which is read again while the server runs. The promise rejects with a UsersSourceError. */
export async function readIdentities(source: UsersSource): Promise<Identities> {
  const users = await source.load();
  return {
    summary: `${users.length} may log in`,
    open: async (log) => createRereadingAuthenticator({ users, source, log }),
  };
}

export interface WebhookIdentitiesOptions {
  readonly url: URL;
  /** Goes with each question as `Authorization: Bearer ...`; undefined: the webhook takes everybody's. */
  readonly secret: string | undefined;
  /** What each question is signed for, with the credentials of AWS that the process has; undefined: it is not signed. */
  readonly sign: { readonly service: string; readonly region: string } | undefined;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Whoever a webhook says may come in. It is not asked before somebody comes. */
export function createWebhookIdentities(options: WebhookIdentitiesOptions): Identities {
  const { url, secret, sign, timeoutMs } = options;
  const headers: Readonly<Record<string, string>> =
    secret === undefined ? {} : { authorization: `Bearer ${secret}` };
  return {
    summary: `asked at ${url.host}${sign === undefined ? '' : `, signed for ${sign.service} in ${sign.region}`}`,
    open: async () => {
      const headersFor =
        sign === undefined
          ? async () => headers
          : (await import('./sign-question.ts')).createSigner({ url, ...sign });
      return createWebhookAuthenticator({ url, timeoutMs, headersFor });
    },
  };
}
