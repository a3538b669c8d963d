import { describe, expect, test } from 'vitest';
import { parseUsersDocument, UsersDocumentError } from '../../src/auth/users-document.ts';
import { withLimits } from '../../src/auth/with-limits.ts';
import type { Authenticator, Credentials } from '../../src/contract/auth.ts';
import type { PrincipalLimits } from '../../src/contract/context.ts';
import { createTestContext } from '../../src/testing/index.ts';

const PASSWORD: Credentials = { method: 'password', username: 'acme', password: 'sesame open' };

/** What a source that says this of limits comes to, for who comes from an address at a time. */
function ask(limits: unknown, { from = '203.0.113.7', at = '2026-11-22T12:00:00Z' } = {}) {
  const { connection } = createTestContext({ connection: { clientAddress: from } });
  const authenticator = {
    authenticate: async () => ({ username: 'acme', session: {}, limits: limits as PrincipalLimits }),
  };
  const limited = withLimits(authenticator, () => Date.parse(at));
  return limited.authenticate(PASSWORD, connection, new Set());
}

const isIn = async (...asked: Parameters<typeof ask>) => 'username' in ((await ask(...asked)) ?? {});

describe('addresses', () => {
  test.each([
    ['203.0.113.0/24', '203.0.113.7', true],
    ['203.0.113.0/24', '203.0.114.7', false],
    ['203.0.113.7', '203.0.113.7', true],
    ['203.0.113.7', '203.0.113.8', false],
    ['203.0.113.0/24', '::ffff:203.0.113.7', true],
    ['2001:db8::/32', '2001:db8:1::7', true],
    ['2001:db8::/32', '2001:db9::7', false],
    ['2001:db8::/32', '203.0.113.7', false],
    ['0.0.0.0/0', '2001:db8::7', false],
  ])('%s let in %s: %s', async (subnet, from, expected) => {
    expect(await isIn({ addresses: ['198.51.100.0/24', subnet] }, { from })).toBe(expected);
  });

  test('that are not theirs are why they are refused', async () => {
    expect(await ask({ addresses: ['192.0.2.0/24'] })).toEqual({
      refused: 'the user may not come from this address',
    });
  });
});

describe('expires', () => {
  test.each([
    ['2027-01-31T18:00:00Z', '2027-01-31T17:59:59.999Z', true],
    ['2027-01-31T18:00:00Z', '2027-01-31T18:00:00Z', false],
    ['2027-01-31T18:00:00+02:00', '2027-01-31T16:30:00Z', false],
    ['2027-01-31', '2027-01-31T23:59:59.999Z', true],
    ['2027-01-31', '2027-02-01T00:00:00Z', false],
  ])('%s lets in at %s: %s', async (expires, at, expected) => {
    expect(await isIn({ expires }, { at })).toBe(expected);
  });

  test('is an instant from then on, for whoever ends the session', async () => {
    expect(await ask({ expires: '2027-01-31' })).toMatchObject({
      limits: { expires: '2027-02-01T00:00:00.000Z' },
    });
  });

  test('is why they are refused', async () => {
    expect(await ask({ expires: '2026-11-21' })).toEqual({ refused: 'the user has expired' });
  });
});

test.each([
  [{ addresses: ['203.0.113'] }, 'limits.addresses.0 must be subnets or addresses'],
  [{ addresses: [] }, 'limits.addresses must be subnets or addresses'],
  [{ addresses: '203.0.113.0/24' }, 'limits.addresses must be subnets or addresses'],
  [{ expires: '2027-02-30' }, 'limits.expires must be a date'],
  [{ expires: '2027-01-31T18:00:00' }, 'limits.expires must be a date'],
  [{ expires: 1_800_000_000 }, 'limits.expires must be a date'],
  [{ sessions: 0 }, 'limits.sessions must be a whole number from 1 on'],
  [{ bytesPerSecond: 1023 }, 'limits.bytesPerSecond must be a whole number from 1024 on'],
  [{ fileBytes: 1.5 }, 'limits.fileBytes must be a whole number from 1 on'],
  [{ files: 5 }, 'limits Unrecognized key'],
  [null, 'limits Invalid input'],
])('who has limits that make no sense does not come in without them: %j', async (limits, message) => {
  await expect(ask(limits)).rejects.toThrow(message);
});

test('who has no limits, is not known or has more to show is as their source says', async () => {
  const { connection } = createTestContext();
  for (const answer of [{ username: 'acme', session: {} }, undefined, { next: ['password'] as const }]) {
    const limited = withLimits({ authenticate: async () => answer });
    expect(await limited.authenticate(PASSWORD, connection, new Set())).toBe(answer);
  }
});

test('who is refused in any case is not told that a part of it was right', async () => {
  const { connection } = createTestContext();
  const source: Authenticator = {
    authenticate: async () => ({ next: ['password'], limits: { expires: '2026-01-01' } }),
  };
  const limited = withLimits(source);
  expect(await limited.authenticate(PASSWORD, connection, new Set())).toEqual({
    refused: 'the user has expired',
  });
});

describe('the users document', () => {
  const hash =
    '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$hFrcBkGW6wCtzUhHcWUqMVDAMYvYNQpuZgTCaB/8wPo';
  const parse = (limits: unknown) =>
    parseUsersDocument(JSON.stringify({ users: [{ username: 'acme', passwordHash: hash, limits }] }));

  test('has limits, in one spelling', () => {
    const limits = {
      sessions: 4,
      bytesPerSecond: 5_000_000,
      fileBytes: 1_073_741_824,
      addresses: ['203.0.113.0/24', '2001:db8::7'],
      expires: '2027-01-01T00:00:00Z',
    };
    expect(parse(limits)[0]?.principal.limits).toEqual({
      ...limits,
      addresses: ['203.0.113.0/24', '2001:db8::7/128'],
      expires: '2027-01-01T00:00:00.000Z',
    });
  });

  test('says which limit of whom is wrong', () => {
    let faults: readonly string[] = [];
    try {
      parse({ sessions: 'many', expires: 'soon' });
    } catch (error) {
      if (error instanceof UsersDocumentError) faults = error.faults;
    }
    expect(faults).toEqual([
      'users[0] ("acme") limits.sessions: must be a whole number from 1 on',
      expect.stringContaining('users[0] ("acme") limits.expires: must be a date (2027-01-31)'),
    ]);
  });
});
