import type { NegotiatedAlgorithms } from 'ssh2';
import { Activity, type Log } from '../contract/log.ts';
import { ALGORITHMS, type AlgorithmPolicy } from './algorithms.ts';
import type { AttemptDetail } from './authenticate.ts';
import { type ClientOffer, isServed } from './kexinit.ts';
import type { AuthenticationOutcome } from './login-observer.ts';

/** Longest user name, or other word of a client's, and longest list of algorithms that is logged, in characters. */
export const MAX_LOGGED = 128;
const MAX_NAME_LIST = 512;

/** One attempt to log in, as the log has it. */
export interface Attempt {
  readonly user: string;
  readonly method: string;
  /** Of the key. */
  readonly keyFingerprint?: string;
  /** The algorithm that it has signed with. */
  readonly signature?: string;
}

export function toAttempt(
  user: string,
  method: string,
  keyFingerprint: string | undefined,
  signature: string | undefined,
): Attempt {
  return {
    user: user.slice(0, MAX_LOGGED),
    method,
    ...(keyFingerprint === undefined ? {} : { keyFingerprint }),
    ...(signature === undefined ? {} : { signature }),
  };
}

/** Of an attempt that let nobody in. An offered key that would do is no line: its proof has one. */
export function logNotAccepted(
  log: Log,
  outcome: AuthenticationOutcome,
  attempt: Attempt,
  { error, refused, isQuestion }: AttemptDetail,
): void {
  const line = { activityType: Activity.AUTH_FAILURE, ...attempt };
  const reason = refused === undefined ? {} : { reason: refused };
  if (outcome === 'failed') log.error({ ...line, err: error }, 'the authenticator failed');
  else if (outcome === 'partial')
    log.info({ ...line, activityType: Activity.AUTH_PARTIAL }, 'more is asked for');
  else if (isQuestion) log.info({ ...line, ...reason, activityType: Activity.KEY_REFUSED }, 'key refused');
  else if (outcome === 'refused') log.info({ ...line, ...reason }, 'authentication refused');
}

/** What was agreed on. Ciphers that prove their packets themselves have no MAC. */
export function toNegotiated({ kex, serverHostKey, cs, sc }: NegotiatedAlgorithms) {
  const both = (one: string, other: string) => [...new Set([one, other])].join(',');
  return {
    kex,
    hostKey: serverHostKey,
    ciphers: both(cs.cipher, sc.cipher),
    macs: both(cs.mac || 'implicit', sc.mac || 'implicit'),
  };
}

/** What a client would have had with whom nothing was agreed on, and whether the other policy has some of it. */
export function toOffered(offer: ClientOffer | undefined, policy: AlgorithmPolicy): Record<string, unknown> {
  if (offer === undefined) return {};
  const { kex, serverHostKey: hostKeys, cipherIn: ciphers, macIn: macs } = offer;
  const lists = Object.entries({ kex, hostKeys, ciphers, macs });
  const offered = Object.fromEntries(
    lists.map(([list, names]) => [list, names.join(',').slice(0, MAX_NAME_LIST)]),
  );
  const isOld = policy === 'modern' && isServed(offer, ALGORITHMS.compatible);
  return { offered, ...(isOld ? { hint: 'SLUICE_SSH_ALGORITHMS=compatible serves it' } : {}) };
}
