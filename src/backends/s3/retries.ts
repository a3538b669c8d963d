import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { toS3Failure } from './errors.ts';

type AnyStrategy = Awaited<ReturnType<S3Client['config']['retryStrategy']>>;
/** The SDK's second form of a strategy, which hands out a token for each attempt. */
export type RetryStrategy = Extract<AnyStrategy, { acquireInitialRetryToken: unknown }>;
type Token = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>;
type ErrorInfo = Parameters<RetryStrategy['refreshRetryTokenForRetry']>[1];

/** Over about three seconds at the longest pauses, or a good minute when the store throttles. */
export const MAX_ATTEMPTS = 8;

/** Attempts that end in silence are long ones: a store that hangs is given up after the third. */
export const MAX_SILENT_ATTEMPTS = 3;

/** By then the SDK's limiter has long tried again the rate at which the store throttled. */
const CALM_MS = 30_000;

/**
 * The SDK's adaptive mode (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html): pauses grow
 * with each attempt, from a wider base when the store says SlowDown, and then a limiter holds back new requests too.
 * What is sent again is decided by the table in `errors`, which knows more of S3's codes than the SDK.
 *
 * The SDK's limiter never goes away once it has met a single SlowDown: from then on it allows about twice the
 * rate of the last second, so that a burst after a quiet minute waits for seconds at a store that is well. So
 * there is a new one after half a minute without throttling.
 */
export class ForgivingRetryStrategy implements RetryStrategy {
  readonly #create: () => Promise<RetryStrategy>;
  readonly #now: () => number;
  #current: Promise<RetryStrategy>;
  /** When the store last throttled; undefined as long as the limiter has not been needed. */
  #throttledAt: number | undefined;

  constructor(create: () => Promise<RetryStrategy> = createAdaptive, now: () => number = Date.now) {
    this.#create = create;
    this.#now = now;
    this.#current = create();
  }

  async acquireInitialRetryToken(scope: string): Promise<Token> {
    if (this.#throttledAt !== undefined && this.#now() - this.#throttledAt > CALM_MS) {
      this.#throttledAt = undefined;
      this.#current = this.#create();
    }
    return await (await this.#current).acquireInitialRetryToken(scope);
  }

  /** Waits for the pause, then allows another attempt. @throws when there is to be none. */
  async refreshRetryTokenForRetry(token: Token, info: ErrorInfo): Promise<Token> {
    const { again } = toS3Failure(info.error);
    if (again === 'backoff') this.#throttledAt = this.#now();
    const errorType = ERROR_TYPES[again] ?? info.errorType;
    const isLast = isSilence(info.error) && token.getRetryCount() + 1 >= MAX_SILENT_ATTEMPTS;
    if (isLast) throw new Error('the store was silent too often');
    return await (await this.#current).refreshRetryTokenForRetry(token, { ...info, errorType });
  }

  recordSuccess(token: Token): void {
    void this.#current.then((strategy) => strategy.recordSuccess(token));
  }
}

/** What the SDK knows of them; a clock that is wrong is its own affair. */
const ERROR_TYPES: Readonly<Record<string, ErrorInfo['errorType']>> = {
  yes: 'TRANSIENT',
  backoff: 'THROTTLING',
  no: 'CLIENT_ERROR',
};

/** The SDK's own time-outs have its name and no code of Node's. */
function isSilence(error: unknown): boolean {
  const { name, code } = Object(error) as { readonly name?: unknown; readonly code?: unknown };
  return name === 'TimeoutError' && code === undefined;
}

/** The SDK makes its strategy for a client; this one is for nothing else. */
async function createAdaptive(): Promise<RetryStrategy> {
  const config: S3ClientConfig = { retryMode: 'adaptive', maxAttempts: MAX_ATTEMPTS };
  const strategy = await new S3Client(config).config.retryStrategy();
  if ('acquireInitialRetryToken' in strategy) return strategy;
  throw new Error("the SDK's adaptive retry strategy has another form than expected");
}
