import { expect, test } from 'vitest';
import { formatSize, parseSize } from '../../bench/sizes.ts';

test.each([
  ['2GiB', 2 ** 31],
  ['64 MiB', 2 ** 26],
  ['4KiB', 4096],
  ['1000', 1000],
  ['0', 0],
])('the size %s is %i bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', 'GiB', '2GB', '1.5GiB', '-1'])('"%s" is refused with what would be right', (text) => {
  expect(() => parseSize(text)).toThrow(/write it like 2GiB/);
});

test('a size is shown in the largest unit that leaves no fraction', () => {
  expect([2 ** 31, 3 * 2 ** 19, 1536, 1000, 0].map(formatSize)).toEqual([
    '2 GiB',
    '1536 KiB',
    '1536 B',
    '1000 B',
    '0 B',
  ]);
});
