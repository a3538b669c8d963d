import { describe, expect, test } from 'vitest';
import {
  explainResult,
  formatAgo,
  formatBytes,
  formatDuration,
  formatElapsed,
  formatRate,
  splitPath,
} from '../../../src/console/page/format.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1024 * 1024 - 1, '1.0 MiB'],
  [1_610_612_736, '1.5 GiB'],
  [5e15, '4547.5 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('a rate that nobody knows is a dash', () => {
  expect(formatRate(undefined)).toBe('–');
  expect(formatRate(2048.4)).toBe('2.0 KiB/s');
});

describe('times', () => {
  test.each([
    [0, '0.0 ms', '0 s', 'just now'],
    [9.94, '9.9 ms', '0 s', 'just now'],
    [9.96, '10 ms', '0 s', 'just now'],
    [999.6, '1.00 s', '0 s', 'just now'],
    [2000, '2.00 s', '2 s', '2 s ago'],
    [59_999, '60.00 s', '59 s', '59 s ago'],
    [185_000, '3 min 5 s', '3 min 5 s', '3 min ago'],
    [7_440_000, '2 h 4 min', '2 h 4 min', '2 h ago'],
    [100 * 3_600_000, '4 d 4 h', '4 d 4 h', '4 d ago'],
    [-5, '0.0 ms', '0 s', 'just now'],
  ])('%d ms: %s measured, %s waited for, %s', (ms, duration, elapsed, ago) => {
    expect([formatDuration(ms), formatElapsed(ms), formatAgo(ms)]).toEqual([duration, elapsed, ago]);
  });
});

test.each([
  ['/in/2026/report.csv', '/in/2026/', 'report.csv'],
  ['/report.csv', '/', 'report.csv'],
  ['/folder/', '/', 'folder/'],
])('%s ends with its name', (path, folder, name) => {
  expect(splitPath(path)).toEqual({ folder, name });
});

test('a code that has no words is told as it is', () => {
  expect(explainResult('ECONNABORTED')).toBe('the client left before it closed the file');
  expect(explainResult('EXYZ')).toBe('EXYZ');
});
