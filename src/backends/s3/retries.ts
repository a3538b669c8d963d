import type { S3Client } from '@aws-sdk/client-s3';
import { toS3Failure } from './errors.ts';

type AnyStrategy = Awaited<ReturnType<S3Client['config']['retryStrategy']>>;
/** The SDK's second form of a strategy, which hands out a token for each attempt. */
type RetryStrategy = Extract<AnyStrategy, { acquireInitialRetryToken: unknown }>;
type AnyToken = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>;
type ErrorInfo = Parameters<RetryStrategy['refreshRetryTokenForRetry']>[1];

interface Token extends AnyToken {
  /** How many attempts so far have ended in silence. */
  readonly silences: number;
}

/** Over about three seconds, or half a minute when the store throttles; twice that at the longest pauses. */
export const MAX_ATTEMPTS = 8;

/** Attempts that end in silence are long ones: a store that hangs is given up after the third. */
export const MAX_SILENT_ATTEMPTS = 3;

/** Before the second attempt at the longest, in milliseconds; each further pause may be twice as long. */
const PAUSE_MS = 50;
const THROTTLED_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 20_000;

/** How much longer than that a store may ask us to wait. */
const MAX_HINT_MS = 5_000;

/**
 * The pauses of the SDK's standard mode (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html),
 * and the table in `errors`, which knows more of S3's codes than the SDK, for what is sent again.
 *
 * Requests share nothing here. The SDK's modes let all of a client's have a hundred retries between them until some
 * succeed: a store that throttles for a second then fails most of two hundred uploads, which had only to wait. And
 * the limiter of its adaptive mode makes a store that is well again wait for us. What keeps a store in trouble from
 * being overrun are the pauses, the number of attempts, and that of the client's connections.
 */
export class S3RetryStrategy implements RetryStrategy {
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  async acquireInitialRetryToken(): Promise<Token> {
    return toToken(0, 0, 0);
  }

  /** The token of another attempt, and the pause before it. @throws when there is to be none. */
  async refreshRetryTokenForRetry(token: Token, info: ErrorInfo): Promise<Token> {
    const { again } = toS3Failure(info.error);
    // A clock that is wrong is the SDK's affair: once it has set its own, the error is a passing one.
    const isPassing = again === 'skew' ? info.errorType === 'TRANSIENT' : again !== 'no';
    if (!isPassing) throw new Error('the store has refused');
    const attempts = token.getRetryCount() + 1;
    if (attempts >= MAX_ATTEMPTS) throw new Error('the store has failed too often');
    const silences = token.silences + (isSilence(info.error) ? 1 : 0);
    if (silences >= MAX_SILENT_ATTEMPTS) throw new Error('the store was silent too often');
    const base = again === 'backoff' ? THROTTLED_PAUSE_MS : PAUSE_MS;
    const pause = this.#random() * Math.min(base * 2 ** (attempts - 1), MAX_PAUSE_MS);
    const hint = (info.retryAfterHint?.getTime() ?? 0) - Date.now();
    return toToken(attempts, silences, Math.max(pause, Math.min(hint, pause + MAX_HINT_MS)));
  }

  recordSuccess(): void {}
}

function toToken(retries: number, silences: number, delay: number): Token {
  return { getRetryCount: () => retries, getRetryDelay: () => delay, silences };
}

/** The SDK's own time-outs have its name and no code of Node's. */
function isSilence(error: unknown): boolean {
  const { name, code } = Object(error) as { readonly name?: unknown; readonly code?: unknown };
  return name === 'TimeoutError' && code === undefined;
}
