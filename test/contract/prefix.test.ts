import { describe, expect, test } from 'vitest';
import { isPlainPrefix, PrefixMapper } from '../../src/contract/prefix.ts';

const refused = expect.objectContaining({ code: 'EACCES' });
const of = (prefix: string) => ({ username: 'u', session: { prefix } });
const ofSession = new PrefixMapper('session:prefix');

/** What a store that keeps files as files, or a proxy on the way, would resolve to another place. */
const WALKING = [
  ...[
    '.',
    '..',
    '../x',
    '/../x',
    '../../etc',
    'a/..',
    'a/../b',
    'a/./b',
    './a',
    'a/.',
    'tenants/acme/..',
    'tenants/../globex',
  ],
  ...[
    'a//b',
    'tenants//acme',
    'x/../.sluice',
    './.sluice',
    './/.sluice',
    'a\0',
    'a\ud800b',
    `${'x'.repeat(256)}`,
    'x/'.repeat(2049),
  ],
];

describe('the prefix of a session', () => {
  test.each([
    ['tenants/acme/', 'tenants/acme/'],
    ['tenants/acme', 'tenants/acme/'],
    ['//tenants/acme//', 'tenants/acme/'],
    ['a..b', 'a..b/'],
    ['...', '.../'],
    ['..a/.b', '..a/.b/'],
    ['%2e%2e', '%2e%2e/'],
    ['..\\x', '..\\x/'],
    ['\uff0e\uff0e', '\uff0e\uff0e/'],
    ['.sluicer', '.sluicer/'],
    ['a/.sluice', 'a/.sluice/'],
    [' ', ' /'],
  ])('%j is %j', (prefix, place) => {
    expect(ofSession.prefixOf(of(prefix))).toBe(place);
  });

  test.each(['', '/', '///', ...WALKING, '.sluice', '/.sluice/', '.sluice/outbox', '//.sluice/x'])(
    '%j opens nothing',
    (prefix) => {
      expect(() => ofSession.prefixOf(of(prefix))).toThrow(refused);
    },
  );

  test('is the session’s own attribute, not what every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      const mapper = new PrefixMapper(`session:${name}`);
      expect(() => mapper.prefixOf({ username: 'u', session: {} }), name).toThrow(refused);
    }
  });
});

describe('a static prefix', () => {
  test.each(['', '/', 'in', '/in/', 'a/b', 'session:prefix', 'session:..'])('%j is plain', (prefix) => {
    expect(isPlainPrefix(prefix)).toBe(true);
  });

  test.each(WALKING)('%j is not, and opens nothing', (prefix) => {
    expect(isPlainPrefix(prefix)).toBe(false);
    expect(() => new PrefixMapper(prefix).prefixOf(of('x'))).toThrow(refused);
  });
});
