import { describe, expect, test } from 'vitest';
import { increase, percentile, summarize } from '../../bench/measure/statistics.ts';

describe('summarize', () => {
  test('of an odd number of values gives the middle one, whatever their order', () => {
    expect(summarize([5, 1, 30])).toEqual({ median: 5, min: 1, max: 30 });
  });

  test('of an even number of values gives the mean of the two in the middle', () => {
    expect(summarize([4, 1, 2, 9])).toEqual({ median: 3, min: 1, max: 9 });
  });

  test('of one value gives that value', () => {
    expect(summarize([7])).toEqual({ median: 7, min: 7, max: 7 });
  });

  test('of nothing gives nothing', () => {
    expect(summarize([])).toBeUndefined();
  });

  test('leaves the values as they are', () => {
    const values = [3, 2, 1];
    summarize(values);
    expect(values).toEqual([3, 2, 1]);
  });
});

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 20 }, (_, at) => 20 - at);
  expect([0, 50, 95, 96, 100].map((percent) => percentile(values, percent))).toEqual([1, 10, 19, 20, 20]);
  expect(percentile([], 50)).toBeNaN();
});

test('an increase names what was counted meanwhile', () => {
  expect(increase({ a: 1, b: 2 }, { a: 4, b: 2, c: 1 })).toEqual({ a: 3, c: 1 });
});
