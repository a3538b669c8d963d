import { expect, test } from 'vitest';
import { addUser } from '../../src/auth/add-user.ts';
import { UsersDocumentError } from '../../src/auth/users-document.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGCWdYi4KqR+8/M2C76mXMc2N5Dy1duC80ZbUARArzhR acme@partner';
const DOCUMENT = JSON.stringify({
  users: [{ username: 'acme', publicKeys: [KEY], session: { prefix: 'a/' } }],
});

test('a user comes to those that are there, who stay as they were', () => {
  const extended = JSON.parse(addUser(DOCUMENT, { username: 'bob', publicKeys: [KEY] }));
  expect(extended).toEqual({
    users: [...JSON.parse(DOCUMENT).users, { username: 'bob', publicKeys: [KEY] }],
  });
});

test('a user who is there already is not written over', () => {
  expect(() => addUser(DOCUMENT, { username: 'acme', publicKeys: [KEY] })).toThrow(
    'user "acme" is there already',
  );
});

test('what the server would not take is not written: of the user, and of those who were there', () => {
  expect(() => addUser(DOCUMENT, { username: 'bob' })).toThrow(
    'users[1] ("bob") has neither passwordHash nor publicKeys',
  );
  expect(() => addUser('{"users": [{}]}', { username: 'bob', publicKeys: [KEY] })).toThrow(
    UsersDocumentError,
  );
  expect(() => addUser('not JSON', { username: 'bob', publicKeys: [KEY] })).toThrow('it is not JSON');
});
