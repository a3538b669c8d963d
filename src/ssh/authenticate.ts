import { setTimeout as delay } from 'node:timers/promises';
import ssh2, { type AuthContext, type KeyboardAuthContext, type PublicKeyAuthContext } from 'ssh2';
import {
  type AuthenticationMethod,
  type Authenticator,
  type Credentials,
  type FurtherProof,
  isFurtherProof,
} from '../contract/auth.ts';
import type { Connection, Principal } from '../contract/context.ts';
import type { AuthenticationOutcome } from './login-observer.ts';

/** What clients are told they may try (RFC 4252, section 5.1); a password may be asked for too (RFC 4256). */
const METHODS = {
  publickey: ['publickey'],
  password: ['password', 'keyboard-interactive'],
} as const satisfies Record<AuthenticationMethod, readonly string[]>;

const ALL_METHODS: readonly AuthenticationMethod[] = ['publickey', 'password'];

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
  /** What one has shown before, and is still to be completed. */
  let partly: { readonly username: string; readonly proven: Set<AuthenticationMethod> } | undefined;

  async function answerTo(attempt: AuthContext): Promise<Principal | FurtherProof | undefined> {
    const credentials = await credentialsOf(attempt);
    if (credentials === undefined) return undefined;
    const { username, method } = credentials;
    // Whatever was shown under another name does not count (RFC 4252, section 5).
    if (partly?.username !== username) partly = { username, proven: new Set() };
    const answer = await authenticator.authenticate(credentials, connection, partly.proven);
    if (answer === undefined || !isProofValid(attempt)) return undefined;
    if (!isQuestion(attempt)) partly.proven.add(method);
    return answer;
  }

  return async (attempt) => {
    if (attempt.method === 'none') return attempt.reject(toSshMethods(ALL_METHODS));
    const ended = events.attempted(attempt.username, attempt.method);
    try {
      const answer = await answerTo(attempt);
      if (answer !== undefined) {
        if (isQuestion(attempt)) {
          nameAlgorithm(attempt);
          ended('offered');
          return attempt.accept();
        }
        if (isFurtherProof(answer)) {
          ended('partial');
          return attempt.reject(toSshMethods(answer.next), true);
        }
        ended('accepted', { principal: answer });
        return attempt.accept();
      }
      ended('refused');
      if (isGuess(attempt)) await delay(events.guessed(), undefined, { ref: false });
    } catch (error) {
      ended('failed', { error });
    }
    failures += 1;
    if (failures >= MAX_FAILURES) return events.exhausted();
    attempt.reject(toSshMethods(ALL_METHODS));
  };
}

function toSshMethods(methods: readonly AuthenticationMethod[]): ssh2.AuthenticationType[] {
  return methods.flatMap((method) => METHODS[method]);
}

/** What a client shows; undefined for what no server should take, or a method that there is not here. */
async function credentialsOf(attempt: AuthContext): Promise<Credentials | undefined> {
  const { username } = attempt;
  switch (attempt.method) {
    case 'password':
      return { method: 'password', username, password: attempt.password };
    case 'keyboard-interactive':
      return { method: 'password', username, password: await askForPassword(attempt) };
    case 'publickey':
      if (signsWithSha1(attempt)) return undefined;
      return { method: 'publickey', username, key: { algorithm: attempt.key.algo, blob: attempt.key.data } };
    default:
      return undefined;
  }
}

/** Asks once; a client that gives no answer, or several, has given the wrong one. */
function askForPassword(attempt: KeyboardAuthContext): Promise<string> {
  return new Promise((resolve) => {
    attempt.prompt([{ prompt: 'Password: ', echo: false }], (answers) => resolve(answers?.[0] ?? ''));
  });
}

/** A request without signature only asks whether the key would do (RFC 4252, section 7). */
function isQuestion(attempt: AuthContext): attempt is PublicKeyAuthContext {
  return attempt.method === 'publickey' && attempt.signature === undefined;
}

/** Whether it claims to be somebody. To ask for keys that would do, one after the other, is what clients do. */
function isGuess(attempt: AuthContext): boolean {
  return !isQuestion(attempt);
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

/** Of a key, its signature; a question and a password have none. */
function isProofValid(attempt: AuthContext & { hashAlgo?: string }): boolean {
  if (attempt.method !== 'publickey' || attempt.signature === undefined) return true;
  const key = ssh2.utils.parseKey(attempt.key.data);
  if (key instanceof Error || attempt.blob === undefined) return false;
  return key.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true;
}
