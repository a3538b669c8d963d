import { S3ServiceException } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { ForgivingRetryStrategy, type RetryStrategy } from '../../../src/backends/s3/retries.ts';

type Token = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>;
type ErrorInfo = Parameters<RetryStrategy['refreshRetryTokenForRetry']>[1];

const TOKEN: Token = { getRetryCount: () => 0, getRetryDelay: () => 0 };
function failure(name: string, httpStatusCode: number): ErrorInfo {
  const error = new S3ServiceException({ name, $fault: 'server', $metadata: { httpStatusCode } });
  return { error, errorType: 'CLIENT_ERROR' } as ErrorInfo;
}

/** The strategy over one that only notes what it is asked, and the time in its hands. */
function observe() {
  const seen: string[] = [];
  let made = 0;
  const time = { now: 0 };
  const create = async (): Promise<RetryStrategy> => {
    made += 1;
    const id = made;
    return {
      acquireInitialRetryToken: async () => {
        seen.push(`${id} first`);
        return TOKEN;
      },
      refreshRetryTokenForRetry: async (token, { errorType }) => {
        seen.push(`${id} ${errorType}`);
        return token;
      },
      recordSuccess: () => seen.push(`${id} success`),
    };
  };
  return { seen, time, strategy: new ForgivingRetryStrategy(create, () => time.now) };
}

test('throttling is told to the SDK as such, whatever the store calls it', async () => {
  const { seen, strategy } = observe();
  for (const name of ['SlowDown', 'SlowDownWrite', 'ServiceUnavailable', 'InternalError']) {
    await strategy.refreshRetryTokenForRetry(TOKEN, failure(name, 503));
  }
  expect(seen).toEqual(['1 THROTTLING', '1 THROTTLING', '1 THROTTLING', '1 TRANSIENT']);
});

test("the SDK's limiter stays while the store throttles, and goes half a minute after", async () => {
  const { seen, time, strategy } = observe();
  await strategy.refreshRetryTokenForRetry(TOKEN, failure('SlowDown', 503));
  time.now = 20_000;
  await strategy.refreshRetryTokenForRetry(TOKEN, failure('SlowDown', 503));
  time.now = 50_000;
  await strategy.acquireInitialRetryToken('');
  time.now = 50_001;
  await strategy.acquireInitialRetryToken('');
  time.now = 1_000_000;
  await strategy.acquireInitialRetryToken('');
  expect(seen).toEqual(['1 THROTTLING', '1 THROTTLING', '1 first', '2 first', '2 first']);
});

test('the limiter of a store that never throttled is never replaced', async () => {
  const { seen, time, strategy } = observe();
  await strategy.refreshRetryTokenForRetry(TOKEN, failure('InternalError', 500));
  time.now = 1_000_000;
  await strategy.acquireInitialRetryToken('');
  strategy.recordSuccess(TOKEN);
  await strategy.acquireInitialRetryToken('');
  expect(seen).toEqual(['1 TRANSIENT', '1 first', '1 success', '1 first']);
});

test("the SDK's strategy is its adaptive one: a SlowDown holds back new requests too", async () => {
  const strategy = new ForgivingRetryStrategy();
  const three = async () => {
    const began = performance.now();
    await Promise.all(Array.from({ length: 3 }, () => strategy.acquireInitialRetryToken('')));
    return performance.now() - began;
  };
  expect(await three()).toBeLessThan(300);
  const token = await strategy.acquireInitialRetryToken('');
  await strategy.refreshRetryTokenForRetry(token, failure('SlowDown', 503));
  expect(await three()).toBeGreaterThan(300);
}, 30_000);
