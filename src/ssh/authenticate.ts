import { setTimeout as delay } from 'node:timers/promises';
import ssh2, { type AuthContext, type PublicKeyAuthContext } from 'ssh2';
import type { Authenticator } from '../contract/auth.ts';
import type { Connection, Principal } from '../contract/context.ts';
import type { AuthenticationOutcome } from './login-observer.ts';

/** What clients are told they may try (RFC 4252, section 5.1). */
const METHODS: ('publickey' | 'password')[] = ['publickey', 'password'];

/** Failed attempts after which a connection is closed, those with keys that are not known included. */
const MAX_FAILURES = 10;

export interface AuthenticationEvents {
  /** An attempt begins; the returned function is told how it ends, and of whom. */
  readonly attempted: (
    username: string,
    method: string,
  ) => (outcome: AuthenticationOutcome, detail?: { principal?: Principal; error?: unknown }) => void;
  /** A password or a signature was wrong: how much later than usual to say so, in milliseconds. */
  readonly guessed: () => number;
  readonly exhausted: () => void;
}

/** Answers ssh2's authentication requests of one connection from an authenticator. */
export function answerAuthentication(
  authenticator: Authenticator,
  connection: Connection,
  events: AuthenticationEvents,
): (attempt: AuthContext) => Promise<void> {
  let failures = 0;

  async function principalOf(attempt: AuthContext): Promise<Principal | undefined> {
    const { username } = attempt;
    if (attempt.method === 'password') {
      const { password } = attempt;
      return await authenticator.authenticate({ method: 'password', username, password }, connection);
    }
    if (attempt.method !== 'publickey' || signsWithSha1(attempt)) return undefined;
    const key = { algorithm: attempt.key.algo, blob: attempt.key.data };
    const principal = await authenticator.authenticate({ method: 'publickey', username, key }, connection);
    return principal !== undefined && isProofValid(attempt) ? principal : undefined;
  }

  return async (attempt) => {
    if (attempt.method === 'none') return attempt.reject(METHODS);
    const ended = events.attempted(attempt.username, attempt.method);
    try {
      const principal = await principalOf(attempt);
      if (principal !== undefined) {
        if (attempt.method === 'publickey' && attempt.signature === undefined) {
          nameAlgorithm(attempt);
          ended('offered');
        } else ended('accepted', { principal });
        return attempt.accept();
      }
      ended('refused');
      if (isGuess(attempt)) await delay(events.guessed(), undefined, { ref: false });
    } catch (error) {
      ended('failed', { error });
    }
    failures += 1;
    if (failures >= MAX_FAILURES) return events.exhausted();
    attempt.reject(METHODS);
  };
}

/** Whether it claims to be somebody. To ask for keys that would do, one after the other, is what clients do. */
function isGuess(attempt: AuthContext): boolean {
  return attempt.method === 'password' || (attempt.method === 'publickey' && attempt.signature !== undefined);
}

/** `ssh-rsa` signatures are SHA-1 (RFC 8332 replaced them); ssh2 names the better hash when there is one. */
function signsWithSha1({ key, hashAlgo }: PublicKeyAuthContext & { hashAlgo?: string }): boolean {
  return key.algo === 'ssh-rsa' && hashAlgo === undefined;
}

/**
 * The answer to "would this key do?" repeats the algorithm of the question (RFC 4252, section 7); ssh2 answers
 * `ssh-rsa` to a question for `rsa-sha2-256`, and some clients then give up.
 */
function nameAlgorithm({ key, hashAlgo }: PublicKeyAuthContext & { hashAlgo?: string }): void {
  if (hashAlgo !== undefined) key.algo = `rsa-sha2-${hashAlgo.replace('sha', '')}`;
}

/** A request without signature only asks whether the key would do (RFC 4252, section 7). */
function isProofValid(attempt: PublicKeyAuthContext & { hashAlgo?: string }): boolean {
  if (attempt.signature === undefined) return true;
  const key = ssh2.utils.parseKey(attempt.key.data);
  if (key instanceof Error || attempt.blob === undefined) return false;
  return key.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true;
}
