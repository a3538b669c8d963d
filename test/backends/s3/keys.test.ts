import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyMapper } from '../../../src/backends/s3/keys.ts';
import type { Principal } from '../../../src/contract/context.ts';
import { normalizePath } from '../../../src/contract/path.ts';

const principal = (session: Record<string, string> = {}): Principal => ({ username: 'u', session });
const refused = expect.objectContaining({ code: 'EACCES' });

describe('KeyMapper with a static prefix', () => {
  test.each([
    ['', '/', '', ''],
    ['', '/a/b', 'a/b', 'a/b/'],
    ['tenants/acme', '/a', 'tenants/acme/a', 'tenants/acme/a/'],
    ['tenants/acme/', '/', 'tenants/acme/', 'tenants/acme/'],
    ['//tenants///', '/a', 'tenants/a', 'tenants/a/'],
    ['/', '/a', 'a', 'a/'],
    ['p', '/ü b', 'p/ü b', 'p/ü b/'],
  ])('"%s" and %s', (prefix, path, key, directory) => {
    const keys = new KeyMapper(prefix);
    expect(keys.toKey(principal(), path)).toBe(key);
    expect(keys.toDirectoryPrefix(principal(), path)).toBe(directory);
  });

  test('is the same for every principal', () => {
    const keys = new KeyMapper('in');
    expect(keys.toKey(principal({ prefix: 'elsewhere' }), '/a')).toBe('in/a');
  });
});

describe('KeyMapper with a prefix of the session', () => {
  const keys = new KeyMapper('session:prefix');

  test.each([
    ['tenants/acme/', 'tenants/acme/a'],
    ['tenants/acme', 'tenants/acme/a'],
    ['/x', 'x/a'],
  ])('"%s" keeps every path below it', (prefix, key) => {
    expect(keys.toKey(principal({ prefix }), '/a')).toBe(key);
  });

  test.each([
    ['missing', {}],
    ['empty', { prefix: '' }],
    ['nothing but slashes', { prefix: '//' }],
    ['another', { Prefix: 'tenants/acme/' }],
  ])('an attribute that is %s is EACCES, never the whole bucket', (_, session) => {
    expect(() => keys.toKey(principal(session), '/a')).toThrow(refused);
    expect(() => keys.toDirectoryPrefix(principal(session), '/')).toThrow(refused);
    expect(() => keys.toDirectoryPrefix(principal(session), '/')).toThrow(refused);
  });

  test('no path of a client leads out of it', () => {
    const segment = fc.oneof(fc.constantFrom('..', '.', '', 'a', '.sluice'), fc.string({ maxLength: 8 }));
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        let path: string;
        try {
          path = normalizePath(segments.join('/'));
        } catch {
          return;
        }
        const acme = principal({ prefix: 'tenants/acme' });
        expect(keys.toKey(acme, path).startsWith('tenants/acme/')).toBe(true);
        expect(keys.toDirectoryPrefix(acme, path)).toMatch(/^tenants\/acme\/(|.*\/)$/s);
      }),
      { numRuns: 500 },
    );
  });

  test('two paths never share a key', () => {
    const names = fc.uniqueArray(
      fc.string({ maxLength: 6 }).map((name) => normalizePath(name.replaceAll('\0', ''))),
    );
    fc.assert(
      fc.property(names, (paths) => {
        const acme = principal({ prefix: 'p' });
        expect(new Set(paths.map((path) => keys.toKey(acme, path))).size).toBe(paths.length);
      }),
    );
  });
});

describe('what the service keeps for itself', () => {
  const keys = new KeyMapper('');

  test.each(['/.sluice', '/.sluice/outbox', '/.sluice/outbox/1.json'])('%s is EACCES', (path) => {
    expect(() => keys.toKey(principal(), path)).toThrow(refused);
    expect(() => keys.toDirectoryPrefix(principal(), path)).toThrow(refused);
  });

  test.each(['/.sluicer', '/.sluic', '/a/.sluice', '/.SLUICE', '/.sluice.txt'])(
    '%s is an ordinary name',
    (path) => {
      expect(keys.toKey(principal(), path)).toBe(path.slice(1));
    },
  );

  test('below a prefix of its own a principal may use the name', () => {
    expect(new KeyMapper('acme').toKey(principal(), '/.sluice/x')).toBe('acme/.sluice/x');
  });

  test.each(['.sluice', '/.sluice/', '.sluice/outbox'])('nobody’s root is there: %s', (prefix) => {
    const session = new KeyMapper('session:prefix');
    expect(() => session.toDirectoryPrefix(principal({ prefix }), '/')).toThrow(refused);
    expect(() => session.toDirectoryPrefix(principal({ prefix }), '/')).toThrow(refused);
  });

  test('a session whose prefix is reserved reaches nothing there', () => {
    const session = new KeyMapper('session:prefix');
    expect(() => session.toKey(principal({ prefix: '.sluice' }), '/outbox')).toThrow(refused);
    expect(() => session.toKey(principal({ prefix: '/.sluice/outbox' }), '/1.json')).toThrow(refused);
  });
});

describe('the length of a key', () => {
  test('is at most 1,024 bytes of UTF-8, prefix included', () => {
    const keys = new KeyMapper('p');
    expect(keys.toKey(principal(), `/${'x'.repeat(1022)}`)).toHaveLength(1024);
    expect(() => keys.toKey(principal(), `/${'x'.repeat(1023)}`)).toThrow('ENAMETOOLONG');
    expect(() => keys.toKey(principal(), `/${'ü'.repeat(512)}`)).toThrow('ENAMETOOLONG');
    expect(keys.toKey(principal(), `/${'ü'.repeat(511)}`)).toHaveLength(513);
  });
});
