import { describe, expect, test } from 'vitest';
import { variablesSchema } from '../../src/config/schema.ts';
import { matchNames } from '../../src/layers/temporary-names.ts';

const { SLUICE_TEMP_PATTERNS } = variablesSchema.parse({});

describe('the temporary names that clients use', () => {
  const isTemporary = matchNames(SLUICE_TEMP_PATTERNS);
  test.each([
    ['WinSCP', '/in/report.csv.filepart'],
    ['rclone', '/in/report.csv.b43c50a4.partial'],
    ['downloaders', '/report.csv.part'],
    ['scripts', '/report.tmp'],
    ['lftp', '/in/.in.report.csv.'],
    ['rsync', '/in/.report.csv.aX3k9Q'],
    ['a name with a line break', '/in/re\nport.tmp'],
  ])('%s: %j', (_, path) => expect(isTemporary(path)).toBe(true));

  test.each([
    '/report.csv',
    '/in.tmp/report.csv',
    '/report.partial.csv',
    '/tmp',
    '/.hidden',
    '/xfilepart',
    '/.report.csv.aX3k9Q.gz',
    '/',
  ])('no other: %j', (path) => expect(isTemporary(path)).toBe(false));
});

describe('a pattern', () => {
  test.each([
    ['a.b', '/a.b', '/axb'],
    ['a?c', '/a💧c', '/ac'],
    ['*(1)+[x]$', '/f(1)+[x]$', '/f1'],
    ['a\\b^{}|', '/a\\b^{}|', '/ab'],
    ['x**y', '/xy', '/x'],
    ['', '/', '/a'],
  ])('%j means %j and not %j', (pattern, yes, no) => {
    expect([matchNames([pattern])(yes), matchNames([pattern])(no)]).toEqual([true, false]);
  });

  test('is one of any number, none included', () => {
    expect(matchNames([])('/a')).toBe(false);
    expect(matchNames(['b', 'a'])('/a')).toBe(true);
  });
});
