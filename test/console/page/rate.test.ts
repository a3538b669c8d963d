import { describe, expect, test } from 'vitest';
import { describeProgress } from '../../../src/console/page/progress.ts';
import { Rate } from '../../../src/console/page/rate.ts';

describe('a rate', () => {
  test('is not known from one number', () => {
    const rate = new Rate();
    rate.add(1000, 500);
    expect(rate.at(1000)).toBeUndefined();
  });

  test('is bytes a second over the last five seconds', () => {
    const rate = new Rate();
    for (let second = 0; second <= 20; second++)
      rate.add(second * 1000, second < 10 ? 0 : (second - 10) * 300);
    expect(rate.at(20_000)).toBe(300);
  });

  test('falls to nothing when nothing comes any more', () => {
    const rate = new Rate();
    rate.add(0, 0);
    rate.add(1000, 1000);
    expect(rate.at(1000)).toBe(1000);
    expect(rate.at(4000)).toBe(250);
    expect(rate.at(7000)).toBe(0);
  });

  test('is never negative: a file may be cut', () => {
    const rate = new Rate();
    rate.add(0, 1000);
    rate.add(1000, 0);
    expect(rate.at(1000)).toBe(0);
  });
});

describe('progress', () => {
  test.each([
    [{ bytes: 5, expectedBytes: null, isFinishing: false }, 1, { share: undefined, text: 'receiving' }],
    [{ bytes: 50, expectedBytes: 100, isFinishing: false }, 10, { share: 0.5, text: '50 %, 5 s left' }],
    [{ bytes: 50, expectedBytes: 100, isFinishing: false }, 0, { share: 0.5, text: '50 %' }],
    [{ bytes: 150, expectedBytes: 100, isFinishing: false }, 10, { share: 1, text: '100 %' }],
    [{ bytes: 5, expectedBytes: 100, isFinishing: true }, 10, { share: 1, text: 'storing' }],
  ])('of %o at %s B/s is %o', (upload, rate, progress) => {
    expect(describeProgress(upload, rate)).toEqual(progress);
  });
});
