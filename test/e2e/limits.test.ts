import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PrincipalLimits } from '../../src/contract/context.ts';
import { answer, Ssh2Client } from '../clients/ssh2-client.ts';
import { sftpByPassword } from '../support/askpass.ts';
import { run } from '../support/processes.ts';
import {
  BUCKET,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  sshOptions,
  startService,
} from '../support/service.ts';
import { PASSWORD, USERNAME } from '../support/workspace.ts';

const KiB = 1024;

/** Users who are alike but for their limits. The first is {@link USERNAME}, who has none. */
const LIMITS: Readonly<Record<string, PrincipalLimits>> = {
  two: { sessions: 2 },
  elsewhere: { addresses: ['192.0.2.0/24', '2001:db8::/32'] },
  here: { addresses: ['127.0.0.0/8'] },
  former: { expires: '2026-01-31' },
  current: { expires: '2126-01-31' },
  small: { fileBytes: 64 * KiB },
};

let around: Surroundings;
let service: Service;

beforeAll(async () => {
  around = await createSurroundings();
  const { users } = JSON.parse(await readFile(around.workspace.usersFile, 'utf8'));
  const others = Object.entries(LIMITS).map(([username, limits]) => ({ ...users[0], username, limits }));
  await writeFile(around.workspace.usersFile, JSON.stringify({ users: [...users, ...others] }));
  service = await startService({ ...around.env, SLUICE_MAX_SESSIONS_PER_USER: '1' });
});
afterAll(async () => {
  await service?.stop();
  await around?.close();
});

/** The real `sftp`, by key. */
function sftpAs(username: string, commands: readonly string[] = ['pwd']) {
  const target = ['-P', String(service.port), '-b', '-', `${username}@127.0.0.1`];
  const input = `${commands.join('\n')}\n`;
  return run('sftp', [...sshOptions(around.workspace), ...target], { input });
}

const byPassword = (username: string, password: string) =>
  sftpByPassword(service, around.workspace, username, password);

/** The log's reasons for refusing a user, in order. */
const reasonsFor = (user: string) =>
  service.running.lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['user'] === user && line['msg'] !== 'authenticated')
    .flatMap(({ reason }) => (reason === undefined ? [] : [reason]));

describe('a user who is logged in as often as may be', () => {
  test('is told so at the next login, and gets in again once a session has ended', async () => {
    const first = await Ssh2Client.connect(service.port, around.workspace);
    const { code, stderr } = await sftpAs(USERNAME);
    expect({ code, stderr }).toEqual({
      code: 255,
      stderr: expect.stringContaining('too many sessions of this user'),
    });
    expect(await service.log(({ reason }) => reason === 'too many sessions of this user')).toMatchObject({
      activityType: 'AUTH_FAILURE',
      user: USERNAME,
      method: 'publickey',
      sourceIp: '127.0.0.1',
      sessionId: expect.stringMatching(/./),
    });
    expect(await first.size('/')).toBe(0);
    const ended = service.log(({ msg, user }) => msg === 'disconnected' && user === USERNAME);
    await first.end();
    await ended;
    expect((await sftpAs(USERNAME)).code).toBe(0);
  });

  test('keeps out nobody else, and may have a limit of their own', async () => {
    const first = await Ssh2Client.connect(service.port, around.workspace);
    expect((await sftpAs('two')).code).toBe(0);
    await first.end();
  });
});

describe('a user who comes from an address that is not theirs', () => {
  test('hears what a wrong password hears, and the log says why', async () => {
    const refused = await byPassword('elsewhere', PASSWORD);
    const guessed = await byPassword('elsewhere', 'a guess');
    const unknown = await byPassword('nobody', PASSWORD);
    // What `ssh` says of it; `sftp` has its own word for the end of `ssh`, depending on which of its ends it sees first.
    const heard = ({ code, stderr }: typeof refused) => [
      code,
      stderr.replace(/^\w+@|\s*Connection closed.*/gs, ''),
    ];
    expect(heard(refused)).toEqual(heard(guessed));
    expect(heard(refused)).toEqual(heard(unknown));
    expect(refused.code).toBe(255);
    expect(reasonsFor('elsewhere')).toContain('the user may not come from this address');
    expect(reasonsFor('nobody')).toEqual([]);
  });

  test('has no key that would do', async () => {
    expect((await sftpAs('elsewhere')).code).toBe(255);
    await service.log(({ msg, user }) => msg === 'key refused' && user === 'elsewhere');
    const shown = service.logged('authentication refused').filter(({ user }) => user === 'elsewhere');
    expect(shown.map(({ method }) => method)).not.toContain('publickey');
  });

  test('comes in from one that is', async () => {
    expect((await byPassword('here', PASSWORD)).code).toBe(0);
    expect((await sftpAs('here')).code).toBe(0);
  });
});

test('a user who has expired hears what a wrong password hears; another comes in', async () => {
  expect((await byPassword('former', PASSWORD)).code).toBe(255);
  expect(reasonsFor('former')).toContain('the user has expired');
  expect((await byPassword('current', PASSWORD)).code).toBe(0);
});

describe('a file that is larger than its user may store', () => {
  test('is refused while it is sent: nothing is stored, and the client knows', async () => {
    const file = around.workspace.path('large.bin');
    await writeFile(file, Buffer.alloc(64 * KiB + 1));
    expect((await sftpAs('small', [`put ${file} /large.bin`])).code).toBe(1);
    expect(await service.log(({ path }) => path === '/large.bin')).toMatchObject({
      activityType: 'PARTIAL_CLOSE',
      result: 'EFBIG',
      user: 'small',
    });
    expect([...around.s3.objects(BUCKET).keys()]).not.toContain(`${PREFIX}large.bin`);
  });

  test('is not made by appending, nor by resuming', async () => {
    const file = around.workspace.path('whole.bin');
    await writeFile(file, Buffer.alloc(64 * KiB));
    expect((await sftpAs('small', [`put ${file} /whole.bin`])).code).toBe(0);
    await writeFile(file, Buffer.alloc(64 * KiB + 1));
    expect((await sftpAs('small', [`reput ${file} /whole.bin`])).code).toBe(1);
    const client = await Ssh2Client.connect(service.port, around.workspace);
    const { size } = await answer<{ size: number }>((done) => client.sftp.stat('/whole.bin', done));
    expect(size).toBe(64 * KiB);
    await client.end();
  });
});
