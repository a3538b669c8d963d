import { describe, expect, test } from 'vitest';
import { directoryInfo, fileInfo } from '../../../src/contract/types.ts';
import { toLongname } from '../../../src/sftp/wire/longname.ts';

/** 2026-03-05 12:34:56 UTC. */
const NOW = Date.UTC(2026, 2, 5, 12, 34, 56) / 1000;
const DAY = 86_400;

const line = (mtime: number) => toLongname({ ...fileInfo(1, mtime), name: 'f' }, 'u', NOW);

describe('toLongname (section 7)', () => {
  test('a file of today is as `ls -l` has it', () => {
    const entry = { ...fileInfo(348_911, NOW - 60), name: 't-filexfer' };
    expect(toLongname(entry, 'mjos', NOW)).toBe(
      '-rw-r--r--    1 mjos     mjos           348911 Mar  5 12:33 t-filexfer',
    );
  });

  test('a directory has a d, two links and no size', () => {
    const entry = { ...directoryInfo(Date.UTC(2020, 10, 25) / 1000), name: 'in' };
    expect(toLongname(entry, 'acme', NOW)).toBe(
      'drwxr-xr-x    2 acme     acme                0 Nov 25  2020 in',
    );
  });

  test.each([
    [0o000, '----------'],
    [0o777, '-rwxrwxrwx'],
    [0o421, '-r---w---x'],
    [0o640, '-rw-r-----'],
  ])('the mode %o reads %s', (mode, text) => {
    expect(toLongname({ ...fileInfo(0), mode, name: 'f' }, 'u', NOW).slice(0, 10)).toBe(text);
  });

  test('the time of day stands for the last half year, the year for what is older', () => {
    expect(line(NOW - 182 * DAY)).toContain('Sep  4 12:34 f');
    expect(line(NOW - 183 * DAY)).toContain('Sep  3  2025 f');
  });

  test('the time is in UTC, wherever the server is', () => {
    expect(line(Date.UTC(2026, 2, 4, 23, 59) / 1000)).toContain('Mar  4 23:59 f');
  });

  test('a size that is longer than its column, a name with blanks and a long owner are told whole', () => {
    const entry = { ...fileInfo(2 ** 50, NOW), name: 'a b  c' };
    expect(toLongname(entry, 'a-long-username', NOW)).toBe(
      '-rw-r--r--    1 a-long-username a-long-username 1125899906842624 Mar  5 12:34 a b  c',
    );
  });

  test('what was never modified is of 1970', () => {
    expect(line(0)).toContain('Jan  1  1970 f');
  });
});
