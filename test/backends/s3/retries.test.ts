import { PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { MAX_ATTEMPTS, S3RetryStrategy } from '../../../src/backends/s3/retries.ts';
import { createS3Subject } from '../../support/s3-subject.ts';
import { startStrictS3 } from '../../support/strict-s3/server.ts';

type ErrorInfo = Parameters<S3RetryStrategy['refreshRetryTokenForRetry']>[1];

function failure(name: string, httpStatusCode: number): ErrorInfo {
  const error = new S3ServiceException({ name, $fault: 'server', $metadata: { httpStatusCode } });
  return { error, errorType: 'CLIENT_ERROR' } as ErrorInfo;
}

/** The pauses before all further attempts of a request that meets the same failure each time. */
async function pauses(strategy: S3RetryStrategy, info: ErrorInfo): Promise<number[]> {
  const delays: number[] = [];
  let token = await strategy.acquireInitialRetryToken();
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
    token = await strategy.refreshRetryTokenForRetry(token, info);
    delays.push(token.getRetryDelay());
  }
  await expect(strategy.refreshRetryTokenForRetry(token, info)).rejects.toThrow('too often');
  return delays;
}

test('pauses double, up to twenty seconds; they are wide when the store throttles, whatever it calls that', async () => {
  const longest = new S3RetryStrategy(() => 1);
  expect(await pauses(longest, failure('InternalError', 503))).toEqual([50, 100, 200, 400, 800, 1600, 3200]);
  for (const name of ['SlowDown', 'SlowDownWrite', 'ServiceUnavailable']) {
    const wide = [1000, 2000, 4000, 8000, 16_000, 20_000, 20_000];
    expect(await pauses(longest, failure(name, 503))).toEqual(wide);
  }
});

test('pauses are spread, so that requests that failed together do not come back together', async () => {
  const dice = [0.5, 0, 0.25, 1, 0.5, 0.5, 0.5];
  const strategy = new S3RetryStrategy(() => dice.shift() ?? 0);
  expect(await pauses(strategy, failure('InternalError', 500))).toEqual([25, 0, 50, 400, 400, 800, 1600]);
});

test('a store that says how long to wait is heard, up to five seconds more', async () => {
  const strategy = new S3RetryStrategy(() => 0);
  const wait = async (ms: number) => {
    const info = { ...failure('SlowDown', 503), retryAfterHint: new Date(Date.now() + ms) };
    const token = await strategy.refreshRetryTokenForRetry(await strategy.acquireInitialRetryToken(), info);
    return token.getRetryDelay();
  };
  expect(await wait(3_000)).toBeGreaterThan(2_000);
  expect(await wait(60_000)).toBe(5_000);
});

test('silence is borne twice, whatever else went wrong before', async () => {
  const strategy = new S3RetryStrategy(() => 0);
  const error = Object.assign(new Error('silence'), { name: 'TimeoutError' });
  const silence = { error, errorType: 'TRANSIENT' } as ErrorInfo;
  let token = await strategy.acquireInitialRetryToken();
  for (const info of [failure('InternalError', 500), silence, failure('SlowDown', 503), silence]) {
    token = await strategy.refreshRetryTokenForRetry(token, info);
  }
  await expect(strategy.refreshRetryTokenForRetry(token, silence)).rejects.toThrow('silent');
});

test('a refusal is not sent again', async () => {
  const strategy = new S3RetryStrategy();
  const token = await strategy.acquireInitialRetryToken();
  await expect(strategy.refreshRetryTokenForRetry(token, failure('AccessDenied', 500))).rejects.toThrow(
    'refused',
  );
});

test('two hundred uploads outlive a store that throttles all of them for a while', async () => {
  const Bucket = 'bucket';
  const s3 = await startStrictS3({ buckets: [Bucket] });
  const { store, close } = createS3Subject(s3.endpoint, Bucket);
  onTestFinished(async () => {
    close();
    await s3.close();
  });
  const fault = s3.fault({ respond: { status: 503, code: 'SlowDown' } });
  const uploads = Array.from({ length: 200 }, (_, n) =>
    store.client.send(new PutObjectCommand({ Bucket, Key: `${n}`, Body: Buffer.from('x') })),
  );
  const outcomes = Promise.allSettled(uploads);
  // About a second, in which most have been refused twice.
  await Promise.race([outcomes, fault.reached(350)]);
  fault.release();
  expect((await outcomes).filter(({ status }) => status === 'rejected')).toEqual([]);
  expect(s3.objects(Bucket).size).toBe(200);
});
