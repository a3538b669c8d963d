import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import {
  baseName,
  isBelow,
  isRootPath,
  MAX_NAME_BYTES,
  MAX_PATH_BYTES,
  normalizePath,
  parentPath,
} from '../../src/contract/path.ts';

/** Spellings a client may try in order to leave its tree, and where each leads. */
const TRAVERSALS: readonly (readonly [spelling: string, path: string])[] = [
  ['', '/'],
  ['.', '/'],
  ['..', '/'],
  ['/', '/'],
  ['//', '/'],
  ['/.', '/'],
  ['/..', '/'],
  ['/../', '/'],
  ['../..', '/'],
  ['/../../../../etc/passwd', '/etc/passwd'],
  ['../../../../etc/passwd', '/etc/passwd'],
  ['a/../../b', '/b'],
  ['/a/../..', '/'],
  ['/a/../../b', '/b'],
  ['/a/./../b', '/b'],
  ['/a//../b', '/b'],
  ['/a/.//./../../b', '/b'],
  ['/./../a', '/a'],
  ['//etc//passwd', '/etc/passwd'],
  ['///../a/', '/a'],
  ['/a/b/../../../../../../../../c', '/c'],
  ['./a', '/a'],
  ['a', '/a'],
  ['a/', '/a'],
  ['/a/b/', '/a/b'],
  ['/a/b/.', '/a/b'],
  ['/a/b/..', '/a'],
  ['/a/b/../', '/a'],
  // Names, not steps: nothing decodes, folds or expands what a client sends.
  ['/...', '/...'],
  ['/a/.../b', '/a/.../b'],
  ['/..a', '/..a'],
  ['/a..', '/a..'],
  ['/.. /a', '/.. /a'],
  ['/ ../a', '/ ../a'],
  ['/%2e%2e/a', '/%2e%2e/a'],
  ['/..%2fa', '/..%2fa'],
  ['/%252e%252e%252fa', '/%252e%252e%252fa'],
  ['/..\\..\\a', '/..\\..\\a'],
  ['\\..\\a', '/\\..\\a'],
  ['C:\\a', '/C:\\a'],
  ['~/a', '/~/a'],
  ['/$HOME/a', '/$HOME/a'],
  ['/..;/a', '/..;/a'],
  ['/\u2025/a', '/\u2025/a'],
  ['/\uff0e\uff0e/a', '/\uff0e\uff0e/a'],
  ['/\uff0e\uff0e\uff0fa', '/\uff0e\uff0e\uff0fa'],
  ['/.\u200b./a', '/.\u200b./a'],
  ['/..\n/a', '/..\n/a'],
  ['/..\r', '/..\r'],
  ['/__proto__/a', '/__proto__/a'],
];

/** Paths made of what path handling trips over. */
const trickyPath = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', '//', '.', '..', '...', '../', './', '/..', '\\', ' ', '%2e%2e', '\uff0e', 'a'),
      fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replaceAll('\0', '')),
    ),
    { maxLength: 24 },
  )
  .map((pieces) => pieces.join(''));

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof FsError ? error.code : 'not an FsError';
  }
  return 'nothing thrown';
}

describe('a home', () => {
  test.each([
    ['', '/in/acme'],
    ['.', '/in/acme'],
    ['a', '/in/acme/a'],
    ['./a/../b', '/in/acme/b'],
    ['..', '/in'],
    ['../../..', '/'],
    ['/', '/'],
    ['/a', '/a'],
    ['/../a', '/a'],
  ])('is where "%s" begins, if that is relative: %s', (path, normalized) => {
    expect(normalizePath(path, '/in/acme')).toBe(normalized);
  });

  test('counts in the length of a path', () => {
    const path = Array(20).fill('n'.repeat(200)).join('/');
    expect(normalizePath(path)).toHaveLength(path.length + 1);
    expect(() => normalizePath(path, `/${'h'.repeat(100)}`)).toThrow('ENAMETOOLONG');
  });
});

describe('normalizePath', () => {
  test.each(TRAVERSALS)('takes %j for %j', (spelling, path) => {
    expect(normalizePath(spelling)).toBe(path);
  });

  test('gives an absolute path without trailing slash and without empty, "." and ".." segments', () => {
    fc.assert(
      fc.property(trickyPath, (spelling) => {
        const path = normalizePath(spelling);
        expect(path.startsWith('/')).toBe(true);
        if (path === '/') return;
        for (const segment of path.slice(1).split('/')) expect(['', '.', '..']).not.toContain(segment);
      }),
      { numRuns: 1000 },
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(trickyPath, (spelling) => {
        const path = normalizePath(spelling);
        expect(normalizePath(path)).toBe(path);
      }),
      { numRuns: 1000 },
    );
  });

  test('leads to the same place with or without a leading slash, a trailing slash and a ".."', () => {
    fc.assert(
      fc.property(trickyPath, (spelling) => {
        const path = normalizePath(spelling);
        expect(normalizePath(`/${spelling}`)).toBe(path);
        expect(normalizePath(`${spelling}/`)).toBe(path);
        expect(normalizePath(`/../../${spelling}`)).toBe(path);
        expect(normalizePath(`${spelling}/name/..`)).toBe(path);
      }),
    );
  });

  test('agrees with a walk through a tree, step by step', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('..', '.', '', 'a', 'b'), { maxLength: 20 }), (steps) => {
        let here = '/';
        for (const step of steps) {
          if (step === '..') here = parentPath(here);
          else if (step !== '.' && step !== '') here = here === '/' ? `/${step}` : `${here}/${step}`;
        }
        expect(normalizePath(steps.join('/'))).toBe(here);
      }),
    );
  });

  test.each(['\0', '/a\0', '/a\0/../b', '/\0/..', 'a/b\0.txt'])('refuses NUL in %j with EINVAL', (path) => {
    expect(codeOf(() => normalizePath(path))).toBe('EINVAL');
  });

  test.each(['/\ud800', '/\udc00a', '/a\udfff/b', '/\udc00\ud800', '\ud83d/\udce6'])(
    'refuses the lone surrogate in %j with EINVAL',
    (path) => {
      expect(codeOf(() => normalizePath(path))).toBe('EINVAL');
    },
  );

  test('refuses exactly the strings that UTF-8 cannot carry', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.integer({ min: 0, max: 0xffff }),
        (text, unit) => {
          const spelling = `${text}${String.fromCharCode(unit)}`.replaceAll('\0', '');
          const carried = Buffer.from(spelling).toString() === spelling;
          expect(codeOf(() => normalizePath(spelling))).toBe(carried ? 'nothing thrown' : 'EINVAL');
        },
      ),
    );
  });

  test.each([
    ['ASCII', 'n'.repeat(MAX_NAME_BYTES)],
    ['two-byte', `${'é'.repeat(127)}n`],
    ['four-byte', `${'📦'.repeat(63)}nnn`],
  ])('accepts a name of the longest size in %s letters and refuses one byte more', (_what, name) => {
    expect(Buffer.byteLength(name)).toBe(MAX_NAME_BYTES);
    expect(normalizePath(`/dir/${name}`)).toBe(`/dir/${name}`);
    expect(codeOf(() => normalizePath(`/dir/${name}n`))).toBe('ENAMETOOLONG');
    expect(codeOf(() => normalizePath(`/${name}n/..`))).toBe('ENAMETOOLONG');
  });

  test('accepts a path of the longest size and refuses one byte more', () => {
    const path = '/abc'.repeat(MAX_PATH_BYTES / 4);
    expect(Buffer.byteLength(path)).toBe(MAX_PATH_BYTES);
    expect(normalizePath(path)).toBe(path);
    expect(codeOf(() => normalizePath(`${path}d`))).toBe('ENAMETOOLONG');
    expect(codeOf(() => normalizePath(`${path.slice(1)}d`))).toBe('ENAMETOOLONG');
    expect(normalizePath('/'.repeat(MAX_PATH_BYTES + 1))).toBe('/');
  });
});

describe('the parts of a path', () => {
  test.each([
    ['/', '/', '/'],
    ['/a', '/', 'a'],
    ['/a/b', '/a', 'b'],
    ['/a/b/c.txt', '/a/b', 'c.txt'],
    ['/ a/..b', '/ a', '..b'],
  ])('%j lies in %j as %j', (path, parent, name) => {
    expect(parentPath(path)).toBe(parent);
    expect(baseName(path)).toBe(name);
  });

  test('parent and name make the path again', () => {
    fc.assert(
      fc.property(trickyPath, (spelling) => {
        const path = normalizePath(spelling);
        fc.pre(path !== '/');
        expect(normalizePath(`${parentPath(path)}/${baseName(path)}`)).toBe(path);
        expect(isBelow(path, parentPath(path))).toBe(true);
      }),
    );
  });

  test.each([
    ['/a', '/', true],
    ['/a/b', '/', true],
    ['/a/b', '/a', true],
    ['/a/b/c', '/a', true],
    ['/a', '/a', false],
    ['/', '/', false],
    ['/', '/a', false],
    ['/ab', '/a', false],
    ['/a.b', '/a', false],
    ['/a', '/a/b', false],
  ])('whether %j lies below %j: %j', (path, ancestor, below) => {
    expect(isBelow(path, ancestor)).toBe(below);
  });

  test.each(['', '/', '.', '..', '//', '/a/..', '../..'])('%j is the root', (path) => {
    expect(isRootPath(path)).toBe(true);
  });

  test.each(['a', '/a', '/...', '/a/../b', '\\'])('%j is not the root', (path) => {
    expect(isRootPath(path)).toBe(false);
  });
});
