import { expect, test } from 'vitest';
import { TokenBucket } from '../../src/limits/token-bucket.ts';

const RATE = 1_000_000;

function createBucket() {
  let at = 5_000;
  const bucket = new TokenBucket(RATE, () => at);
  return {
    bucket,
    pass: (ms: number) => {
      at += ms;
    },
  };
}

test('begins with one second’s worth, and no more', () => {
  const { bucket } = createBucket();
  expect(bucket.take(RATE)).toBe(0);
  expect(bucket.take(RATE / 10)).toBe(100);
});

test('has one second’s worth after an hour too', () => {
  const { bucket, pass } = createBucket();
  pass(3_600_000);
  expect(bucket.take(RATE)).toBe(0);
  expect(bucket.take(RATE)).toBe(1000);
});

test('what is taken on credit is waited for by whoever took it, and those who come after wait longer', () => {
  const { bucket, pass } = createBucket();
  bucket.take(RATE);
  expect([bucket.take(20_000), bucket.take(20_000), bucket.take(20_000)]).toEqual([20, 40, 60]);
  pass(30);
  expect(bucket.take(20_000)).toBe(50);
});

test('gives so much a second in the long run, whatever the pieces and however late those who wait come back', () => {
  const { bucket, pass } = createBucket();
  bucket.take(RATE);
  let [moved, elapsed] = [0, 0];
  for (let turn = 0; elapsed < 60_000; turn++) {
    const piece = 1 + ((turn * 7_919) % 65_536);
    moved += piece;
    const waitMs = Math.ceil(bucket.take(piece)) + (turn % 3);
    elapsed += waitMs;
    pass(waitMs);
  }
  expect(moved / (elapsed / 1000) / RATE).toBeCloseTo(1, 1);
});

test('does not make anybody wait for less than a timer can tell', () => {
  const { bucket, pass } = createBucket();
  bucket.take(RATE);
  expect(bucket.take(4_999)).toBe(0);
  expect(bucket.take(1)).toBe(5);
  pass(5);
  expect(bucket.take(4_999)).toBe(0);
});

test('another rate holds from then on; what is owed stays owed', () => {
  const { bucket, pass } = createBucket();
  bucket.take(RATE + 100_000);
  bucket.setRate(RATE / 10);
  expect(bucket.take(0)).toBe(1000);
  pass(60_000);
  expect(bucket.take(RATE / 10)).toBe(0);
  expect(bucket.take(RATE / 10)).toBe(1000);
});

test('a lower rate leaves no more than one second’s worth of it', () => {
  const { bucket } = createBucket();
  bucket.setRate(RATE / 10);
  expect(bucket.take(RATE / 10 + 10_000)).toBe(100);
});

test('knows how long it takes until it is as it was', () => {
  const { bucket, pass } = createBucket();
  expect(bucket.fullInMs).toBe(0);
  bucket.take(RATE * 1.5);
  expect(bucket.fullInMs).toBe(1500);
  pass(2000);
  expect(bucket.fullInMs).toBe(0);
});
