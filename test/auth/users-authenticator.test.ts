import { hash } from '@node-rs/argon2';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { verifyPassword } from '../../src/auth/passwords.ts';
import { createUsersAuthenticator } from '../../src/auth/users-authenticator.ts';
import type { User } from '../../src/auth/users-document.ts';
import type { AuthenticationMethod, Authenticator } from '../../src/contract/auth.ts';
import { parseAuthorizedKey } from '../../src/keys/authorized-keys.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { str } from '../support/sftp-packets.ts';

vi.mock('../../src/auth/passwords.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/auth/passwords.ts')>();
  return { ...original, verifyPassword: vi.fn(original.verifyPassword) };
});

const { connection } = createTestContext();
const ANY_KEY = `ssh-ed25519 ${Buffer.concat([str('ssh-ed25519'), str(Buffer.alloc(32))]).toString('base64')}`;
const NOTHING: ReadonlySet<AuthenticationMethod> = new Set();
const key = (fill: number) => ({ algorithm: 'ssh-ed25519', blob: Buffer.alloc(51, fill) });
const authorized = (fill: number) => ({ ...parseAuthorizedKey(ANY_KEY), key: key(fill) });
const principal = (username: string) => ({ username, session: { prefix: `tenants/${username}/` } });

let users: readonly User[];
let authenticator: Authenticator;

beforeAll(async () => {
  const passwordHash = await hash('right', { memoryCost: 64, timeCost: 1, parallelism: 1 });
  users = [
    { principal: principal('both'), passwordHash, publicKeys: [authorized(1), authorized(2)], requires: [] },
    { principal: principal('keys-only'), passwordHash: undefined, publicKeys: [authorized(3)], requires: [] },
  ];
  authenticator = createUsersAuthenticator(users);
});
afterEach(() => {
  vi.mocked(verifyPassword).mockClear();
});

const byPassword = (username: string, password: string) =>
  authenticator.authenticate({ method: 'password', username, password }, connection, NOTHING);
const byKey = (username: string, fill: number) =>
  authenticator.authenticate({ method: 'publickey', username, key: key(fill) }, connection, NOTHING);

describe('a password', () => {
  test('that is right lets its user in', async () => {
    expect(await byPassword('both', 'right')).toEqual(principal('both'));
  });

  test.each(['wrong', '', 'right ', 'Right', 'right\0'])('that is not does not: "%s"', async (password) => {
    expect(await byPassword('both', password)).toBeUndefined();
  });

  test('of another user, of nobody, or of one who has none does not', async () => {
    expect(await byPassword('nobody', 'right')).toBeUndefined();
    expect(await byPassword('keys-only', 'right')).toBeUndefined();
    expect(await byPassword('keys-only', '')).toBeUndefined();
    expect(await byPassword('', 'right')).toBeUndefined();
    expect(await byPassword('BOTH', 'right')).toBeUndefined();
    expect(await byPassword('__proto__', 'right')).toBeUndefined();
  });

  test.each([
    ['a wrong password', 'both'],
    ['an unknown name', 'nobody'],
    ['a name without a password', 'keys-only'],
  ])('costs one check of the same cost for %s', async (_, username) => {
    await byPassword(username, 'wrong');
    const calls = vi.mocked(verifyPassword).mock.calls;
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
    expect(calls[0]?.[1]).toBe('wrong');
  });

  test('of users who all have none is checked at our own cost', async () => {
    const keysOnly = createUsersAuthenticator(users.slice(1));
    const credentials = { method: 'password', username: 'x', password: 'y' } as const;
    expect(await keysOnly.authenticate(credentials, connection, NOTHING)).toBeUndefined();
    expect(vi.mocked(verifyPassword).mock.calls[0]?.[0]).toContain('m=19456,t=2,p=1');
  });

  test('even the decoy would not be let in: a match of an unknown name is nobody', async () => {
    vi.mocked(verifyPassword).mockResolvedValueOnce(true);
    expect(await byPassword('nobody', 'x')).toBeUndefined();
  });
});

describe('a public key', () => {
  test('of the user lets in, whichever it is of several', async () => {
    expect(await byKey('both', 1)).toEqual(principal('both'));
    expect(await byKey('both', 2)).toEqual(principal('both'));
    expect(await byKey('keys-only', 3)).toEqual(principal('keys-only'));
  });

  test('of another user, of nobody, or that nobody has does not', async () => {
    expect(await byKey('both', 3)).toBeUndefined();
    expect(await byKey('keys-only', 1)).toBeUndefined();
    expect(await byKey('nobody', 1)).toBeUndefined();
    expect(await byKey('both', 9)).toBeUndefined();
  });

  test('costs no check of a password', async () => {
    await byKey('both', 9);
    expect(vi.mocked(verifyPassword)).not.toHaveBeenCalled();
  });
});

describe('a user who has to show both', () => {
  const both = async (method: 'password' | 'publickey', proven: ReadonlySet<AuthenticationMethod>) => {
    const [user] = users.map((each) => ({ ...each, requires: ['publickey', 'password'] as const }));
    const strict = createUsersAuthenticator(user === undefined ? [] : [user]);
    const shown =
      method === 'password'
        ? ({ method, username: 'both', password: 'right' } as const)
        : ({ method, username: 'both', key: key(1) } as const);
    return strict.authenticate(shown, connection, proven);
  };

  test('is asked for the other one after either', async () => {
    expect(await both('publickey', NOTHING)).toEqual({ next: ['password'] });
    expect(await both('password', NOTHING)).toEqual({ next: ['publickey'] });
    expect(await both('password', new Set(['password']))).toEqual({ next: ['publickey'] });
  });

  test('is in with the second', async () => {
    expect(await both('password', new Set(['publickey']))).toEqual(principal('both'));
    expect(await both('publickey', new Set(['password']))).toEqual(principal('both'));
  });
});

test('without any user nobody gets in', async () => {
  const nobody = createUsersAuthenticator([]);
  const credentials = { method: 'password', username: '', password: '' } as const;
  expect(await nobody.authenticate(credentials, connection, NOTHING)).toBeUndefined();
});
