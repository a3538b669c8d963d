import { describe, expect, test } from 'vitest';
import { MAX_NAME_BYTES, MAX_PATH_BYTES, normalizePath } from '../../src/contract/path.ts';
import { toSuffixedPath } from '../../src/layers/suffixed-path.ts';

const AT = new Date(Date.UTC(2026, 10, 21, 21, 35, 10, 999));
const SUFFIX = '.20261121T213510Z-1b9d6bcd';
const suffixed = (path: string) => toSuffixedPath(path, AT, '1b9d6bcd');
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

describe('a name with a suffix', () => {
  test.each([
    ['before the ending', '/in/report.csv', `/in/report${SUFFIX}.csv`],
    ['before the last of several', '/report.tar.gz', `/report.tar${SUFFIX}.gz`],
    ['at the end where there is none', '/in.d/report', `/in.d/report${SUFFIX}`],
    ['at the end of a dotfile', '/.env', `/.env${SUFFIX}`],
    ['before the ending of a dotfile that has one', '/.env.local', `/.env${SUFFIX}.local`],
    [
      'at the end behind what is too long to be an ending',
      `/a.${'b'.repeat(40)}`,
      `/a.${'b'.repeat(40)}${SUFFIX}`,
    ],
  ])('%s', (_, path, expected) => expect(suffixed(path)).toBe(expected));

  test.each([
    ['ASCII', `/in/${'a'.repeat(251)}.csv`],
    ['two bytes a character', `/in/${'é'.repeat(125)}.csv`],
    ['four bytes a character', `/in/${'🚀'.repeat(62)}.csv`],
    ['no ending', `/in/${'é'.repeat(127)}`],
    ['a long ending', `/in/a.${'b'.repeat(250)}`],
  ])('that would be too long is shortened before it, at a character: %s', (_, path) => {
    const made = suffixed(path);
    const [stem = '', ending] = nameOf(made).split(SUFFIX);
    expect(normalizePath(made)).toBe(made);
    expect(nameOf(path).startsWith(stem)).toBe(true);
    expect(ending).toBe(path.endsWith('.csv') ? '.csv' : '');
    expect(Buffer.byteLength(nameOf(made))).toBeGreaterThan(MAX_NAME_BYTES - 4);
  });

  const folder = (bytes: number) => '/f'.repeat(bytes / 2);

  test('is shortened for the sake of the whole path, too', () => {
    const made = suffixed(`${folder(MAX_PATH_BYTES - 42)}/${'a'.repeat(41)}`);
    expect(Buffer.byteLength(made)).toBe(MAX_PATH_BYTES);
    expect(nameOf(made)).toBe(`${'a'.repeat(15)}${SUFFIX}`);
  });

  test('there is none where the directory leaves no room: ENAMETOOLONG', () => {
    expect(() => suffixed(`${folder(MAX_PATH_BYTES - 2)}/a`)).toThrow(/^ENAMETOOLONG/);
  });
});
