import type { Authenticator } from '../contract/auth.ts';
import type { Log } from '../contract/log.ts';
import type { ProbeResult } from '../contract/probe.ts';
import type { FoundSecret } from '../secrets/find-secret.ts';
import type { Identities } from './identities.ts';
import { decoyHash } from './passwords.ts';
import { SecretCache } from './secret-cache.ts';
import { parseUserSecret } from './user-secret.ts';
import { judge, waivesTouch } from './users-authenticator.ts';
import { isUsername } from './users-document.ts';

/** Behind the prefix: what is looked for to see whether secrets can be read. It need not be there. */
const PROBED = 'sluice-doctor';

export interface SecretIdentitiesOptions {
  /** Before the name of a user, the name of their secret: `SFTP/`. */
  readonly prefix: string;
  /** The session attribute that has the key prefix; undefined where all users share one. */
  readonly homeAttribute: string | undefined;
  /** Where files are kept; undefined where that is no bucket. */
  readonly bucket: string | undefined;
  readonly find: (secretId: string) => Promise<FoundSecret>;
}

/** Users who have a secret of AWS Secrets Manager each (docs/authentication.md). It is read when somebody comes under their name. */
export function createSecretIdentities(options: SecretIdentitiesOptions): Identities {
  const { prefix, find } = options;
  const probe = async (): Promise<ProbeResult> => {
    try {
      const answer = await find(`${prefix}${PROBED}`);
      return answer.state === 'denied' ? { state: 'wrong', message: answer.message } : { state: 'ok' };
    } catch (error) {
      return { state: 'unreachable', message: (error as Error).message };
    }
  };
  return {
    summary: `a secret each: ${prefix}USERNAME`,
    probe,
    open: async (log) => {
      void probe().then((result) => {
        if (result.state !== 'ok')
          log.error({ problem: 'message' in result && result.message }, 'no secret of a user can be read');
      });
      return createSecretAuthenticator(options, log);
    },
  };
}

/**
 * A name without a secret, a secret without a password, and one that has it in the clear cost one check of a hash like any other, so the
 * time of an answer does not tell who exists.
 */
export function createSecretAuthenticator(
  { prefix, homeAttribute, bucket, find }: SecretIdentitiesOptions,
  log: Log,
): Authenticator {
  const decoy = decoyHash();
  const cache = new SecretCache({
    find: (username) => find(`${prefix}${username}`),
    parse: (text, username) => parseUserSecret(text, { username, homeAttribute, bucket }),
    log,
  });
  return {
    authenticate: async (credentials, connection, proven) => {
      const { username } = credentials;
      const user = isUsername(username) ? await cache.get(username) : undefined;
      return await judge({ user, decoy }, credentials, connection, proven);
    },
    waivesTouch: (credentials, connection) =>
      waivesTouch(cache.peek(credentials.username), credentials, connection),
  };
}
