import { describe, expect, test } from 'vitest';
import { parseUsersDocument, UsersDocumentError } from '../../src/auth/users-document.ts';
import { PERMISSIONS } from '../../src/contract/context.ts';
import { str } from '../support/sftp-packets.ts';

const HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$hFrcBkGW6wCtzUhHcWUqMVDAMYvYNQpuZgTCaB/8wPo';
const KEY_BLOB = Buffer.concat([str('ssh-ed25519'), str(Buffer.alloc(32, 7))]);
const KEY = `ssh-ed25519 ${KEY_BLOB.toString('base64')} acme@partner`;

function parse(...users: readonly object[]) {
  return parseUsersDocument(JSON.stringify({ users }));
}

function faultsOf(text: string): readonly string[] {
  try {
    parseUsersDocument(text);
  } catch (error) {
    if (error instanceof UsersDocumentError) return error.faults;
    throw error;
  }
  return [];
}

describe('parseUsersDocument', () => {
  test('reads the whole example of the documentation', () => {
    const users = parse({
      username: 'acme',
      passwordHash: HASH,
      publicKeys: [KEY],
      session: { prefix: 'tenants/acme/' },
      permissions: ['list', 'read'],
      requires: ['publickey', 'password'],
    });
    expect(users).toEqual([
      {
        principal: { username: 'acme', session: { prefix: 'tenants/acme/' }, permissions: ['list', 'read'] },
        passwordHash: HASH,
        publicKeys: [
          {
            key: { algorithm: 'ssh-ed25519', blob: KEY_BLOB },
            comment: 'acme@partner',
            from: undefined,
            expiresAt: undefined,
            requiresTouch: true,
            requiresVerification: false,
          },
        ],
        requires: ['publickey', 'password'],
      },
    ]);
  });

  test('a name and a password are enough; whoever has no list of permissions may do everything', () => {
    expect(parse({ username: 'a', passwordHash: HASH })).toEqual([
      { principal: { username: 'a', session: {} }, passwordHash: HASH, publicKeys: [], requires: [] },
    ]);
  });

  test('what a user has to show has to be there', () => {
    expect(
      faultsOf(JSON.stringify({ users: [{ username: 'a', passwordHash: HASH, requires: ['publickey'] }] })),
    ).toEqual(['users[0] ("a") requires what it does not have, so nobody could log in']);
  });

  test('a user may have folders and a home', () => {
    const folders = [
      { path: '/in', target: '/inbox', permissions: ['list', 'write'] },
      { path: '/out', session: { prefix: 'shared/' }, bucket: 'reports' },
    ];
    expect(parse({ username: 'a', passwordHash: HASH, folders, home: '/in' })).toMatchObject([
      { principal: { username: 'a', session: {}, folders, home: '/in' } },
    ]);
  });

  test('a name and a key are enough', () => {
    expect(parse({ username: 'a', publicKeys: [KEY] })).toMatchObject([{ passwordHash: undefined }]);
  });

  test('a bucket of their own is one that there may be', () => {
    expect(parse({ username: 'a', passwordHash: HASH, bucket: 'of-acme.1' })).toMatchObject([
      { principal: { bucket: 'of-acme.1' } },
    ]);
    for (const bucket of [
      '',
      'a',
      'A-bucket',
      'a/b',
      'a..b',
      '*',
      '10.0.0.1',
      `arn:aws:s3:::b`,
      'x'.repeat(64),
    ]) {
      expect(() => parse({ username: 'a', passwordHash: HASH, bucket })).toThrow(
        /users\[0\] \("a"\) bucket: must be the name of a bucket/,
      );
    }
  });

  test('an empty list of permissions is none, not all', () => {
    expect(parse({ username: 'a', passwordHash: HASH, permissions: [] })).toMatchObject([
      { principal: { permissions: [] } },
    ]);
    const all = parse({ username: 'a', passwordHash: HASH, permissions: PERMISSIONS });
    expect(all).toMatchObject([{ principal: { permissions: PERMISSIONS } }]);
  });

  test('a document without users is valid: nobody can log in', () => {
    expect(parse()).toEqual([]);
  });

  test.each(['a', '_x', 'A.b_c@d+e-f', '0', 'x'.repeat(64)])('%s is a username', (username) => {
    expect(parse({ username, passwordHash: HASH })).toHaveLength(1);
  });

  test.each(['', '-a', '.a', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(65), '..', '~'])(
    '"%s" is none',
    (username) => {
      const faults = faultsOf(JSON.stringify({ users: [{ username, passwordHash: HASH }] }));
      expect(faults).toEqual([
        `users[0] ("${username}") username: must be 1 to 64 letters, digits or _ . @ + -`,
      ]);
    },
  );
});

describe('what is wrong with a users document', () => {
  const good = { username: 'good', passwordHash: HASH };

  test.each([
    [
      'a hash of another kind',
      { username: 'b', passwordHash: '$2b$12$x' },
      'users[1] ("b") passwordHash: must be a hash of argon2id, bcrypt or scrypt; make one with: sluice hash-password',
    ],
    [
      'a password in the place of its hash',
      { username: 'b', passwordHash: 'secret' },
      'users[1] ("b") passwordHash: must be a hash of argon2id, bcrypt or scrypt; make one with: sluice hash-password',
    ],
    [
      'a key that is none',
      { username: 'b', publicKeys: [KEY, 'ssh-ed25519 AAAA'] },
      'users[1] ("b") publicKeys.1: is no whole ssh-ed25519 key: was it cut when it was copied?',
    ],
    [
      'a key with an option that would not be kept',
      { username: 'b', publicKeys: [`command="internal-sftp -R" ${KEY}`] },
      'users[1] ("b") publicKeys.0: has the option command=, and no commands are run',
    ],
    [
      'no credentials',
      { username: 'b' },
      'users[1] ("b") has neither passwordHash nor publicKeys, so nobody could log in',
    ],
    [
      'a permission that there is not',
      { username: 'b', passwordHash: HASH, permissions: ['list', 'fly'] },
      'users[1] ("b") permissions.1: ',
    ],
    [
      'a session that no job could carry',
      { username: 'b', passwordHash: HASH, session: { prefix: 'a/', notes: '\u0001'.repeat(3000) } },
      'users[1] ("b") session: must be 16 KiB of JSON at most',
    ],
    [
      'a session attribute that is no text',
      { username: 'b', passwordHash: HASH, session: { prefix: 5 } },
      'users[1] ("b") session.prefix: ',
    ],
    [
      'a home that is no normalised path',
      { username: 'b', passwordHash: HASH, home: 'in/' },
      'users[1] ("b") home: must be an absolute path of plain names, as /in',
    ],
    [
      'no folder at all',
      { username: 'b', passwordHash: HASH, folders: [] },
      'users[1] ("b") folders: must have one folder at least; who has no such field sees everything',
    ],
    [
      'a folder that is no normalised path',
      { username: 'b', passwordHash: HASH, folders: [{ path: '/in/../out' }] },
      'users[1] ("b") folders.0.path: must be an absolute path of plain names, as /in',
    ],
    [
      'a target that leads out',
      { username: 'b', passwordHash: HASH, folders: [{ path: '/in', target: '../..' }] },
      'users[1] ("b") folders.0.target: must be an absolute path of plain names, as /in',
    ],
    [
      'a folder that is there twice',
      { username: 'b', passwordHash: HASH, folders: [{ path: '/in' }, { path: '/in', target: '/a' }] },
      'users[1] ("b") folders.1.path: /in is there already',
    ],
    [
      'a folder in what is no bucket',
      { username: 'b', passwordHash: HASH, folders: [{ path: '/in', bucket: 'No_Bucket' }] },
      'users[1] ("b") folders.0.bucket: must be the name of a bucket',
    ],
    [
      'a folder with a permission that there is not',
      { username: 'b', passwordHash: HASH, folders: [{ path: '/in', permissions: ['fly'] }] },
      'users[1] ("b") folders.0.permissions.0: ',
    ],
    [
      'a folder with a misspelt field',
      { username: 'b', passwordHash: HASH, folders: [{ path: '/in', targett: '/a' }] },
      'users[1] ("b") folders.0: ',
    ],
    [
      'more folders than anybody needs',
      {
        username: 'b',
        passwordHash: HASH,
        folders: Array.from({ length: 1001 }, (_, i) => ({ path: `/${i}` })),
      },
      'users[1] ("b") folders: must have 1000 folders at most',
    ],
    ['a field that there is not', { username: 'b', passwordHash: HASH, pasword: 'x' }, 'users[1] ("b") '],
    ['no name', { passwordHash: HASH }, 'users[1] username: '],
    ['a name that is no text', { username: 5, passwordHash: HASH }, 'users[1] username: '],
    ['no object', 7, 'users[1] '],
  ])('%s is one fault, which names the user and the field', (_, user, fault) => {
    const faults = faultsOf(JSON.stringify({ users: [good, user] }));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${fault.replace(/[[\]()"$.:?]/g, '\\$&')}`));
  });

  test('an unknown field is called by its name', () => {
    expect(faultsOf(JSON.stringify({ users: [{ ...good, pasword: 'x' }] })).join()).toContain('pasword');
  });

  test('all faults of all users are told at once', () => {
    const users = [
      { username: 'a', passwordHash: 'x', permissions: ['fly'] },
      { username: 'b c', publicKeys: ['x'] },
    ];
    expect(faultsOf(JSON.stringify({ users })).map((fault) => fault.replace(/: .*/, ''))).toEqual([
      'users[0] ("a") passwordHash',
      'users[0] ("a") permissions.0',
      'users[1] ("b c") username',
      'users[1] ("b c") publicKeys.0',
    ]);
  });

  test('a name that is there twice is told once', () => {
    expect(faultsOf(JSON.stringify({ users: [good, good, good, { ...good, username: 'b' }] }))).toEqual([
      'user "good" is there more than once',
    ]);
  });

  test.each([
    ['it is not JSON (line 1, column 2)', '{'],
    ['it', '[]'],
    ['it', 'null'],
    ['users', '{}'],
    ['users', '{"users":{}}'],
    ['it', '{"users":[],"version":1}'],
  ])('a document of the wrong form is a fault of "%s"', (where, text) => {
    expect(faultsOf(text).map((fault) => fault.replace(/: .*/s, ''))).toEqual([where]);
  });

  test('no fault repeats a hash or a password', () => {
    const text = JSON.stringify({ users: [{ username: 'a', passwordHash: 'my-secret' }] });
    expect(() => parseUsersDocument(text)).toThrow('the users document is invalid:\n  users[0]');
    expect(faultsOf(text).join()).not.toContain('my-secret');
    expect(faultsOf('{"users":[{"username":"a","passwordHash":my-secret}]}')).toEqual(['it is not JSON']);
  });
});
