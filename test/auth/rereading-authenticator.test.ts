import { afterEach, expect, test } from 'vitest';
import {
  createRereadingAuthenticator,
  type RereadingAuthenticator,
} from '../../src/auth/rereading-authenticator.ts';
import { createUsersSource, UsersSourceError } from '../../src/auth/users-source.ts';
import { fingerprint } from '../../src/keys/public-key.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog, type LogLine } from '../support/collect-log.ts';
import { turn } from '../support/sftp-driver.ts';
import { Recorder } from '../support/strict-s3/recorder.ts';

const { connection } = createTestContext();

/** A key that a user of this name has, as a line and as a client offers it. */
function keyOf(name: string) {
  const blob = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20'), Buffer.alloc(32, name)]);
  return { line: `ssh-ed25519 ${blob.toString('base64')}`, key: { algorithm: 'ssh-ed25519', blob } };
}

const documentOf = (...names: readonly string[]) =>
  JSON.stringify({ users: names.map((username) => ({ username, publicKeys: [keyOf(username).line] })) });

let authenticator: RereadingAuthenticator | undefined;
afterEach(() => authenticator?.stop());

/** Users in a text that is read every millisecond. */
async function rereading(text: string) {
  const place = { text, reads: new Recorder<string>((read) => read), fail: undefined as Error | undefined };
  const source = createUsersSource({
    variable: 'SLUICE_USERS_FILE',
    rereadMs: 1,
    read: async () => {
      place.reads.add(place.text);
      if (place.fail !== undefined) throw place.fail;
      return place.text;
    },
  });
  const recorder = new Recorder<LogLine>(({ message }) => message);
  const lines = Object.assign([] as LogLine[], { push: (line: LogLine) => recorder.add(line) });
  const users = await source.load();
  authenticator = createRereadingAuthenticator({ users, source, log: collectLog(lines).log });
  const started = authenticator;
  started.start();
  return {
    place,
    lines: recorder.entries,
    logged: (message: string) => recorder.waitFor((line) => line.message === message),
    mayLogIn: async (username: string) => {
      const { key } = keyOf(username);
      const credentials = { method: 'publickey', username, key } as const;
      return (await started.authenticate(credentials, connection, new Set())) !== undefined;
    },
    /** Resolves when so many more reads have begun, so that all but the last have had their effect. */
    moreReads: async (count: number) => {
      const wanted = place.reads.entries.length + count;
      await place.reads.waitFor(() => place.reads.entries.length >= wanted);
    },
  };
}

const CHANGED = 'the users have changed';
const FAILED = 'the users cannot be read again; those who were there before stay';
const WELL = 'the users can be read again';

test('a user who is added may log in, one who is removed may not, and the log tells who', async () => {
  const { place, logged, mayLogIn } = await rereading(documentOf('a', 'b'));
  expect([await mayLogIn('a'), await mayLogIn('b'), await mayLogIn('c')]).toEqual([true, true, false]);
  place.text = documentOf('b', 'c', 'd');
  expect(await logged(CHANGED)).toMatchObject({
    level: 'info',
    fields: { users: 3, added: ['c', 'd'], removed: ['a'], changed: [] },
  });
  expect([await mayLogIn('a'), await mayLogIn('b'), await mayLogIn('c')]).toEqual([false, true, true]);
});

test('a user who has another key may log in with that alone', async () => {
  const { place, logged, mayLogIn } = await rereading(documentOf('a', 'b'));
  place.text = documentOf('a', 'b').replace(keyOf('a').line, keyOf('x').line);
  expect((await logged(CHANGED)).fields).toEqual({
    users: 2,
    added: [],
    removed: [],
    changed: ['a'],
    keyFingerprints: { a: [fingerprint(keyOf('x').key)] },
  });
  expect(await mayLogIn('a')).toBe(false);
});

test('users who are the same in another spelling are no change', async () => {
  const { place, lines, moreReads } = await rereading(documentOf('a', 'b'));
  place.text = JSON.stringify(JSON.parse(documentOf('b', 'a')), null, 2);
  await moreReads(3);
  expect(lines).toEqual([]);
});

test('of a document with a fault nothing is taken; the log says so once, by variable and field', async () => {
  const { place, lines, logged, mayLogIn, moreReads } = await rereading(documentOf('a'));
  place.text = JSON.stringify({ users: [{ username: 'b', publicKeys: ['my-secret'] }] });
  await logged(FAILED);
  await moreReads(4);
  expect(lines).toEqual([
    {
      level: 'warn',
      message: FAILED,
      fields: {
        problems: [
          'the users document (SLUICE_USERS_FILE): users[0] ("b") publicKeys.0: must be a line of an authorized_keys file: "ssh-ed25519 AAAA... comment"',
        ],
      },
    },
  ]);
  expect([await mayLogIn('a'), await mayLogIn('b')]).toEqual([true, false]);
});

test('another reason is another line; when all is well again there is one, and what failed before is told anew', async () => {
  const { place, lines, logged, mayLogIn, moreReads } = await rereading(documentOf('a'));
  const nextLine = async (change: () => void) => {
    const count = lines.length;
    change();
    await moreReads(4);
    return lines.slice(count).map(({ message, fields }) => [message, fields['problems'] ?? fields['added']]);
  };
  const fail = (message: string) => () => {
    place.fail = new Error(message);
  };
  expect(await nextLine(fail('SLUICE_USERS_FILE: gone'))).toEqual([[FAILED, ['SLUICE_USERS_FILE: gone']]]);
  expect(await nextLine(fail('SLUICE_USERS_FILE: lost'))).toEqual([[FAILED, ['SLUICE_USERS_FILE: lost']]]);
  expect(await nextLine(() => Object.assign(place, { fail: undefined }))).toEqual([[WELL, undefined]]);
  expect(await nextLine(fail('SLUICE_USERS_FILE: lost'))).toEqual([[FAILED, ['SLUICE_USERS_FILE: lost']]]);
  Object.assign(place, { fail: undefined, text: documentOf('a', 'b') });
  await logged(CHANGED);
  expect(await mayLogIn('b')).toBe(true);
});

test('once it is stopped nothing is read any more', async () => {
  const stopped = await rereading(documentOf('a'));
  await stopped.moreReads(2);
  // The read has come to its end then, and the next one is not due yet.
  await turn();
  authenticator?.stop();
  const count = stopped.place.reads.entries.length;
  // Another that goes on is the clock.
  const clock = await rereading(documentOf('a'));
  await clock.moreReads(5);
  expect(stopped.place.reads.entries).toHaveLength(count);
});

test('a source says by its variable what is wrong with the document, all of it', async () => {
  const source = createUsersSource({
    variable: 'SLUICE_USERS_SECRET',
    rereadMs: 1,
    read: async () => '{"users":[{"username":"a"},{"username":"b"}]}',
  });
  const error = await source.load().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(UsersSourceError);
  expect((error as UsersSourceError).faults).toEqual(
    ['a', 'b'].map(
      (name, index) =>
        `the users document (SLUICE_USERS_SECRET): users[${index}] ("${name}") has neither passwordHash nor publicKeys, so nobody could log in`,
    ),
  );
});
