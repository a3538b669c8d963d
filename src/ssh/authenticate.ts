import { setTimeout as delay } from 'node:timers/promises';
import ssh2, { type AuthContext, type KeyboardAuthContext, type PublicKeyAuthContext } from 'ssh2';
import {
  type AuthenticationMethod,
  type Credentials,
  type FurtherProof,
  type Gatekeeper,
  isFurtherProof,
  isRefusal,
  type Refusal,
} from '../contract/auth.ts';
import type { Connection, Principal } from '../contract/context.ts';
import { fingerprint } from '../keys/public-key.ts';
import { isSecurityKey, readSecurityKeyUse, verifySecurityKey } from '../keys/security-key.ts';
import type { AuthenticationOutcome } from './login-observer.ts';

/** What clients are told they may try (RFC 4252, section 5.1); a password may be asked for too (RFC 4256). */
const METHODS = {
  publickey: ['publickey'],
  password: ['password', 'keyboard-interactive'],
} as const satisfies Record<AuthenticationMethod, readonly string[]>;

const ALL_METHODS: readonly AuthenticationMethod[] = ['publickey', 'password'];

/** Requests of one connection, questions for keys and for the methods that there are included. */
const MAX_REQUESTS = 100;

/** Failed attempts after which a connection is closed, those with keys that are not known included. */
const MAX_FAILURES = 10;

/** What is known of an attempt that has ended, besides its outcome. */
export interface AttemptDetail {
  readonly principal?: Principal;
  /** The algorithm that a key has proven itself by. */
  readonly signature?: string | undefined;
  readonly error?: unknown;
  /** Why, where what was shown is not the reason. */
  readonly refused?: string;
  /** It was asked whether a key would do, and nothing shown. */
  readonly isQuestion?: boolean;
}

export interface AuthenticationEvents {
  /** An attempt begins, with a key of this fingerprint if with any; the returned function is told how it ends, and of whom. */
  readonly attempted: (
    username: string,
    method: string,
    keyFingerprint: string | undefined,
  ) => (outcome: AuthenticationOutcome, detail?: AttemptDetail) => void;
  /** Somebody has shown who they are. Answers why they may not come in all the same, and ends the connection then. */
  readonly admit: (principal: Principal) => Refusal | undefined;
  /** Whether a signature may be SHA-1. */
  readonly takesSha1: boolean;
  /** A password or a signature was wrong: how much later than usual to say so, in milliseconds. */
  readonly guessed: () => number;
  readonly exhausted: () => void;
}

/** Answers ssh2's authentication requests of one connection from an authenticator. */
export function answerAuthentication(
  authenticator: Gatekeeper,
  connection: Connection,
  events: AuthenticationEvents,
): (attempt: AuthContext) => Promise<void> {
  let failures = 0;
  let requests = 0;
  /**
   * ssh2 hands on one request after the other, but for one that follows keyboard-interactive, which is given up then
   * (RFC 4252, section 5.2). What a client could have checked by not waiting for the answer has no limit.
   */
  let isDeciding = false;
  /** What one has shown before, and is still to be completed. */
  let partly: { readonly username: string; readonly proven: Set<AuthenticationMethod> } | undefined;

  async function answerTo(
    attempt: AuthContext,
    credentials: Credentials,
  ): Promise<Principal | FurtherProof | Refusal | undefined> {
    const { username, method } = credentials;
    // Whatever was shown under another name does not count (RFC 4252, section 5).
    if (partly?.username !== username) partly = { username, proven: new Set() };
    const answer = await authenticator.authenticate(credentials, connection, partly.proven);
    // A signature takes time to check: who is kept out is not to be told from who is not known.
    if (answer === undefined || isRefusal(answer)) return answer;
    if (!isProofValid(attempt)) return undefined;
    if (lacksTouch(credentials) && authenticator.waivesTouch?.(credentials, connection) !== true)
      return undefined;
    if (!isQuestion(attempt)) partly.proven.add(method);
    return answer;
  }

  /** Whether that was the end of it. */
  async function decide(attempt: AuthContext, credentials: Credentials | undefined): Promise<boolean> {
    const ended = events.attempted(attempt.username, attempt.method, fingerprintOf(attempt));
    try {
      const answer = credentials && (await answerTo(attempt, credentials));
      if (answer !== undefined && !isRefusal(answer)) {
        if (isQuestion(attempt)) {
          nameAlgorithm(attempt);
          ended('offered');
          attempt.accept();
        } else if (isFurtherProof(answer)) {
          ended('partial');
          attempt.reject(toSshMethods(answer.next), true);
        } else {
          const refusal = events.admit(answer);
          if (refusal !== undefined) ended('refused', refusal);
          else {
            ended('accepted', { principal: answer, signature: algorithmOf(attempt) });
            attempt.accept();
          }
        }
        return true;
      }
      ended('refused', { ...answer, isQuestion: isQuestion(attempt) });
      if (credentials !== undefined && !isQuestion(attempt))
        await delay(events.guessed(), undefined, { ref: false });
    } catch (error) {
      ended('failed', { error });
    }
    return false;
  }

  return async (attempt) => {
    requests += 1;
    if (requests > MAX_REQUESTS) return events.exhausted();
    if (attempt.method === 'none') return attempt.reject(toSshMethods(ALL_METHODS));
    const credentials = await credentialsOf(attempt, events.takesSha1);
    if (credentials !== GIVEN_UP) {
      if (isDeciding) return events.exhausted();
      isDeciding = true;
      const isAnswered = await decide(attempt, credentials);
      isDeciding = false;
      if (isAnswered) return;
    }
    failures += 1;
    if (failures >= MAX_FAILURES) return events.exhausted();
    attempt.reject(toSshMethods(ALL_METHODS));
  };
}

function toSshMethods(methods: readonly AuthenticationMethod[]): ssh2.AuthenticationType[] {
  return methods.flatMap((method) => METHODS[method]);
}

/** A client was asked for a password and goes on with another request instead: nobody hears an answer to this one. */
const GIVEN_UP = Symbol('given up');

/** What a client shows; undefined for what no server should take, or a method that there is not here. */
async function credentialsOf(
  attempt: AuthContext,
  takesSha1: boolean,
): Promise<Credentials | typeof GIVEN_UP | undefined> {
  const { username } = attempt;
  switch (attempt.method) {
    case 'password':
      return { method: 'password', username, password: attempt.password };
    case 'keyboard-interactive': {
      const password = await askForPassword(attempt);
      return password === undefined ? GIVEN_UP : { method: 'password', username, password };
    }
    case 'publickey':
      return !takesSha1 && signsWithSha1(attempt) ? undefined : keyOf(attempt);
    default:
      return undefined;
  }
}

/** Asks once. Undefined when there is no answer. */
function askForPassword(attempt: KeyboardAuthContext): Promise<string | undefined> {
  return new Promise((resolve) => {
    attempt.prompt([{ prompt: 'Password: ', echo: false }], (answers: unknown) =>
      resolve(Array.isArray(answers) ? String(answers[0] ?? '') : undefined),
    );
  });
}

/**
 * A request without signature only asks whether the key would do (RFC 4252, section 7). Clients ask for one key after the other: none of
 * that is a guess.
 */
function isQuestion(attempt: AuthContext): attempt is PublicKeyAuthContext {
  return attempt.method === 'publickey' && attempt.signature === undefined;
}

/** `ssh-rsa` signatures are SHA-1 (RFC 8332 replaced them); ssh2 names the better hash when there is one. */
function signsWithSha1({ key, hashAlgo }: PublicKeyAuthContext & { hashAlgo?: string }): boolean {
  return key.algo === 'ssh-rsa' && hashAlgo === undefined;
}

/**
 * The answer to "would this key do?" repeats the algorithm of the question (RFC 4252, section 7); ssh2 answers
 * `ssh-rsa` to a question for `rsa-sha2-256`, and some clients then give up.
 */
function nameAlgorithm(question: PublicKeyAuthContext): void {
  question.key.algo = algorithmOf(question) ?? question.key.algo;
}

/** Of a key's request, by its full name: ssh2 keeps the hash of an RSA signature apart. */
function algorithmOf(attempt: AuthContext & { hashAlgo?: string }): string | undefined {
  if (attempt.method !== 'publickey') return undefined;
  const { key, hashAlgo } = attempt;
  return hashAlgo === undefined ? key.algo : `rsa-sha2-${hashAlgo.replace('sha', '')}`;
}

/** Of what cannot be a signature of a security key: undefined. */
function keyOf({ username, key, signature }: PublicKeyAuthContext): Credentials | undefined {
  const credentials: Credentials = {
    method: 'publickey',
    username,
    key: { algorithm: key.algo, blob: key.data },
  };
  if (signature === undefined || !isSecurityKey(key.algo)) return credentials;
  const securityKey = readSecurityKeyUse(signature);
  return securityKey && { ...credentials, securityKey };
}

type KeyCredentials = Extract<Credentials, { readonly method: 'publickey' }>;

/** Whether a security key has signed by itself: whatever runs on its owner's machine can make it do so. */
function lacksTouch(credentials: Credentials): credentials is KeyCredentials {
  return credentials.method === 'publickey' && credentials.securityKey?.userPresent === false;
}

function fingerprintOf(attempt: AuthContext): string | undefined {
  return attempt.method === 'publickey' ? fingerprint({ blob: attempt.key.data }) : undefined;
}

/** Of a key, its signature; a question and a password have none. */
function isProofValid(attempt: AuthContext & { hashAlgo?: string }): boolean {
  if (attempt.method !== 'publickey' || attempt.signature === undefined) return true;
  if (attempt.blob === undefined) return false;
  const { algo: algorithm, data } = attempt.key;
  // ssh2 does not know these, and hands on what follows the algorithm's name as it came.
  if (isSecurityKey(algorithm)) {
    return verifySecurityKey({ algorithm, blob: data }, attempt.blob, attempt.signature);
  }
  const key = ssh2.utils.parseKey(data);
  if (key instanceof Error) return false;
  return key.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true;
}
