import { readFile, writeFile } from 'node:fs/promises';
import ssh2, { type Client, type SFTPWrapper } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, RawSession, settled } from '../clients/ssh2-client.ts';
import { codeIn, readTable } from '../support/markdown-tables.ts';
import {
  BUCKET,
  createSurroundings,
  type Service,
  type Surroundings,
  startService,
} from '../support/service.ts';
import { extended, init, u32 } from '../support/sftp-packets.ts';

type Line = Readonly<Record<string, unknown>>;

const DOCS = new URL('../../docs/audit.md', import.meta.url);
const PASSWORD = 'correct horse battery staple';
const SECRET_COMMAND = 'mysql -phunter2';
const NASTY = '/in\n{"level":"info","msg":"forged"}\u001b[31m';

/** What every line has. */
const COMMON = ['level', 'time', 'service', 'msg', 'activityType', 'sourceIp', 'sessionId', 'user'];
const TRACE = ['traceId', 'spanId'];

/** It takes a client a minute to be silent for long enough; test/ssh has it in less. */
const UNSEEN = ['the client answers no more'];

/** Whoever knows the password may come in, or has a key; each name is another kind of user. */
const AUTHENTICATOR = `
  const LIMITS = {
    elsewhere: { addresses: ['192.0.2.0/24'] },
    once: { sessions: 1 },
    small: { fileBytes: 4 },
    former: { expires: '2026-01-01' },
  };
  const PERMISSIONS = { reader: ['list', 'read'], writer: ['write'] };
  export async function authenticate({ method, username, password }, _connection, proven) {
    if (username === 'broken') throw new Error('the directory is away');
    if (username === 'nobody') return undefined;
    if (method === 'password' && password !== '${PASSWORD}') return undefined;
    if (username === 'both' && !proven.has('publickey')) return { next: ['password'] };
    const limits = username === 'brief' ? { expires: new Date(Date.now() + 500).toISOString() } : LIMITS[username];
    return { username, session: { prefix: username + '/' }, permissions: PERMISSIONS[username], limits };
  }
`;

let around: Surroundings;
let service: Service;
let impatient: Service;
let lines: readonly Line[];

beforeAll(async () => {
  around = await createSurroundings();
  const module = around.workspace.path('auth.mjs');
  await writeFile(module, AUTHENTICATOR);
  const env = {
    ...around.env,
    SLUICE_USERS_FILE: '',
    SLUICE_AUTH_MODULE: module,
    SLUICE_LOG_LEVEL: 'debug',
  };
  const inAHurry = { SLUICE_LOGIN_GRACE_SECONDS: '1', SLUICE_IDLE_TIMEOUT_SECONDS: '1' };
  [service, impatient] = await Promise.all([startService(env), startService({ ...env, ...inAHurry })]);
  await useEverything();
  await Promise.all([service.stop(), impatient.stop()]);
  lines = [...service.running.lines, ...impatient.running.lines].map((line) => JSON.parse(line) as Line);
});
afterAll(async () => {
  await around?.close();
});

type Login = Pick<ssh2.ConnectConfig, 'password' | 'privateKey' | 'authHandler'>;

/** An SSH connection; resolves once it is logged in, rejects when it will not be. */
async function login(
  username: string,
  how: Login = { password: PASSWORD },
  port = service.port,
): Promise<Client> {
  const client = new ssh2.Client();
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve).once('error', reject);
    client.once('close', () => reject(new Error('the server has ended it')));
    client.connect({ host: '127.0.0.1', port, username, tryKeyboard: false, ...how });
  });
  client.on('error', () => undefined);
  return client;
}

function closed(client: Client): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()));
}

function gone(client: Client): Promise<void> {
  client.end();
  return closed(client);
}

async function refused(username: string, how?: Login): Promise<void> {
  await expect(login(username, how)).rejects.toThrow();
}

const fails = (run: (done: (error?: Error | null) => void) => unknown) =>
  expect(settled(run)).rejects.toThrow();

async function upload(sftp: SFTPWrapper, path: string, content = 'note'): Promise<void> {
  const handle = await answer<Buffer>((done) => sftp.open(path, 'w', done));
  await settled((done) => sftp.write(handle, Buffer.from(content), 0, content.length, 0, done)).catch(
    () => undefined,
  );
  await settled((done) => sftp.close(handle, done));
}

async function useEverything(): Promise<void> {
  const privateKey = await readFile(around.workspace.identity);
  await logInInEveryWay(privateKey);
  const client = await login('acme');
  await useFiles(await answer((done) => client.sftp(done)));
  await askForWhatThereIsNot(client);
  await gone(client);
  await beRefused();
  await beEnded();
}

async function logInInEveryWay(privateKey: Buffer): Promise<void> {
  await gone(await login('acme', { privateKey }));
  await gone(await login('both', { privateKey, password: PASSWORD, authHandler: ['publickey', 'password'] }));
  await refused('acme', { password: 'a guess' });
  await refused('elsewhere');
  await refused('elsewhere', { privateKey });
  await refused('former');
  await refused('nobody', { privateKey });
  await refused('broken');
  await refused('broken', { privateKey });
  const first = await login('once');
  await refused('once', { privateKey });
  await gone(first);
  const guess = { type: 'password', username: 'acme', password: 'a guess' } as const;
  await refused('acme', { authHandler: Array.from({ length: 11 }, () => guess) as never });
}

async function useFiles(sftp: SFTPWrapper): Promise<void> {
  await settled((done) => sftp.mkdir('/in', done));
  await settled((done) => sftp.mkdir(NASTY, done));
  await upload(sftp, '/in/a');
  await settled((done) => sftp.setstat('/in/a', { size: 2 }, done));
  await answer((done) => sftp.readFile('/in/a', done));
  await answer((done) => sftp.readdir('/in', done));
  await settled((done) => sftp.rename('/in/a', '/in/b', done));
  await settled((done) => sftp.unlink('/in/b', done));
  await settled((done) => sftp.rmdir('/in', done));
  await fails((done) => sftp.unlink('/none', done));
  await fails((done) => sftp.rmdir(`/${'x'.repeat(300)}`, done));
  await fails((done) => sftp.symlink('/in/a', '/link', done));
  await upload(sftp, '/kept');
  const reading = await answer<Buffer>((done) => sftp.open('/kept', 'r', done));
  await upload(sftp, '/kept', 'other');
  const into = Buffer.alloc(4);
  await fails((done) => sftp.read(reading, into, 0, 4, 0, done));
  await settled((done) => sftp.close(reading, done));
  around.s3.fault({ operation: 'DeleteObject', times: 1, respond: { status: 400, code: 'Odd' } });
  await fails((done) => sftp.unlink('/kept', done));
  const handles = await Promise.all(
    Array.from({ length: 64 }, () => answer<Buffer>((done) => sftp.open('/kept', 'r', done))),
  );
  await fails((done) => sftp.open('/kept', 'r', done));
  for (const handle of handles.slice(1)) await settled((done) => sftp.close(handle, done));
  const open = await answer<Buffer>((done) => sftp.open('/abandoned', 'w', done));
  await settled((done) => sftp.write(open, Buffer.from('half'), 0, 4, 0, done));
}

async function askForWhatThereIsNot(client: Client): Promise<void> {
  const command = await answer<ssh2.ClientChannel>((done) => client.exec(SECRET_COMMAND, done));
  await new Promise((resolve) => command.once('close', resolve).resume().stderr.resume());
  await fails((done) => client.subsys('netconf', done));
  await fails((done) => client.forwardOut('127.0.0.1', 1, '192.0.2.1', 25, done));
  const raw = new RawSession(await answer<ssh2.ClientChannel>((done) => client.subsys('sftp', done)));
  await raw.send(init());
  await raw.send(extended(1, 'hardlink@openssh.com'));
  const ended = new Promise((resolve) => raw.channel.once('close', resolve));
  raw.channel.write(u32(0xffff_ffff));
  await ended;
}

async function beRefused(): Promise<void> {
  const reader = await login('reader');
  const reading = await answer<SFTPWrapper>((done) => reader.sftp(done));
  await fails((done) => reading.open('/new', 'w', done));
  for (const ask of ['unlink', 'mkdir', 'rmdir'] as const) await fails((done) => reading[ask]('/kept', done));
  await fails((done) => reading.rename('/kept', '/other', done));
  await fails((done) => reading.setstat('/none', {}, done));
  await gone(reader);
  const writer = await login('writer');
  const writing = await answer<SFTPWrapper>((done) => writer.sftp(done));
  await upload(writing, '/mine');
  await fails((done) => writing.opendir('/', done));
  await expect(answer((done) => writing.readFile('/mine', done))).rejects.toThrow();
  await gone(writer);
  const small = await login('small');
  await expect(upload(await answer((done) => small.sftp(done)), '/large', 'large')).rejects.toThrow();
  await gone(small);
}

async function beEnded(): Promise<void> {
  const brief = await login('brief');
  await closed(brief);
  const idle = await login('acme', undefined, impatient.port);
  await closed(idle);
  const silent = new ssh2.Client();
  silent
    .on('error', () => undefined)
    .connect({
      host: '127.0.0.1',
      port: impatient.port,
      username: 'acme',
      authHandler: () => undefined as never,
    });
  await impatient.log(({ msg, sessionId }) => msg === 'no login in time' && sessionId !== undefined);
}

/** Of one row: each of its messages, at each of its levels. */
function documented() {
  const rows = readTable(DOCS, '## What clients do', ['`activityType`', '`msg`', 'Level', 'Further fields']);
  return rows.map((row) => ({
    activityType: codeIn(row['`activityType`'])[0],
    messages: codeIn(row['`msg`']),
    levels: codeIn(row['Level']),
    fields: codeIn(row['Further fields']).filter((name) => !['ok', 'ECONNABORTED'].includes(name)),
  }));
}

describe('the table of what clients do', () => {
  const table = documented();
  const rowOf = ({ activityType, msg }: Line) =>
    table.find((row) => row.activityType === activityType && row.messages.includes(String(msg)));

  test('has every line, at its level and with no other fields', () => {
    const wrong = new Set<string>();
    for (const line of lines) {
      if (line['activityType'] === undefined) continue;
      const row = rowOf(line);
      const name = `${line['activityType']} ${line['msg']}`;
      if (row === undefined) {
        wrong.add(`${name} is not in the table`);
        continue;
      }
      if (!row.levels.includes(String(line['level']))) wrong.add(`${name} is at ${line['level']}`);
      for (const field of Object.keys(line)) {
        if (![...COMMON, ...TRACE, ...row.fields].includes(field)) wrong.add(`${name} has ${field}`);
      }
      for (const field of COMMON.filter((field) => field !== 'user')) {
        if (line[field] === undefined) wrong.add(`${name} lacks ${field}`);
      }
      if (row.fields.includes('user') && line['msg'] !== 'disconnected' && line['user'] === undefined)
        wrong.add(`${name} lacks user`);
    }
    expect([...wrong]).toEqual([]);
  });

  test('has no line that is never written, and none with a field that it never has', () => {
    const missing = table.flatMap(({ activityType, messages, fields }) => {
      const seen = lines.filter(
        (line) => line['activityType'] === activityType && messages.includes(String(line['msg'])),
      );
      const unseen = messages.filter((message) => !seen.some(({ msg }) => msg === message));
      if (seen.length === 0) return unseen;
      const keys = new Set(seen.flatMap((line) => Object.keys(line)));
      return [
        ...unseen,
        ...fields.filter((field) => !keys.has(field)).map((field) => `${messages[0]}: ${field}`),
      ];
    });
    expect(missing).toEqual(UNSEEN);
  });
});

/** What came of one kind of thing, each once, in order. */
const results = (activityType: string, user: string) => [
  ...new Set(
    lines
      .filter((line) => line['activityType'] === activityType && line['user'] === user)
      .map(({ path, result }) => `${path} ${result}`),
  ),
];

describe('the log tells', () => {
  test('what came of each operation', () => {
    expect(results('DELETE', 'acme')).toEqual(['/in/b ok', '/none ENOENT', '/kept EIO']);
    expect(results('CLOSE', 'acme')).toEqual(['/in/a ok', '/kept ok', '/kept ESTALE', '/kept ECONNABORTED']);
    expect(results('PARTIAL_CLOSE', 'acme')).toEqual(['/abandoned ECONNABORTED']);
    expect(results('CREATE_SYMLINK', 'acme')).toEqual([expect.stringMatching(/ ENOTSUP$/)]);
    expect(results('OPEN', 'acme')).toContain('/kept EMFILE');
    expect(results('RMDIR', 'acme')).toEqual(['/in ok', `/${'x'.repeat(300)} ENAMETOOLONG`]);
  });

  test('what was refused to whom', () => {
    for (const activity of ['DELETE', 'MKDIR', 'RMDIR', 'RENAME']) {
      expect(results(activity, 'reader')).toEqual(['/kept EACCES']);
    }
    expect(results('PARTIAL_CLOSE', 'reader')).toEqual(['/new EACCES']);
    expect(results('SETSTAT', 'reader')).toEqual(['/none ENOENT']);
    expect(results('LIST', 'writer')).toEqual(['/ EACCES']);
    expect(results('CLOSE', 'writer')).toEqual(['/mine ok', '/mine EACCES']);
    expect(results('PARTIAL_CLOSE', 'small')).toEqual(['/large EFBIG']);
  });

  test('each thing once', () => {
    const removals = lines.filter(({ activityType, user }) => activityType === 'DELETE' && user === 'acme');
    expect(removals).toHaveLength(3);
  });

  test('why somebody was kept out', () => {
    const reasons = lines
      .filter(({ reason, activityType }) => reason !== undefined && activityType !== 'EXIT_REASON')
      .map(({ activityType, user, reason }) => `${activityType} ${user}: ${reason}`);
    expect(reasons).toEqual([
      'AUTH_FAILURE elsewhere: the user may not come from this address',
      'KEY_REFUSED elsewhere: the user may not come from this address',
      'AUTH_FAILURE former: the user has expired',
      'AUTH_FAILURE once: too many sessions of this user',
    ]);
  });

  test('nothing of passwords and commands, and no line that a client has written', () => {
    const all = lines.map((line) => JSON.stringify(line)).join('\n');
    for (const secret of [PASSWORD, 'a guess', 'hunter2']) expect(all).not.toContain(secret);
    expect(lines.filter(({ msg }) => msg === 'forged')).toEqual([]);
    expect(results('MKDIR', 'acme')).toEqual(['/in ok', `${NASTY} ok`]);
  });

  test('what the service runs by, without secrets', () => {
    const [line] = lines.filter(({ msg }) => msg === 'configuration');
    expect(line).toMatchObject({
      users: expect.stringContaining('asked of the module'),
      variables: { SLUICE_BUCKET: BUCKET, SLUICE_MAX_SESSIONS_PER_USER: 100, SLUICE_LOG_LEVEL: 'debug' },
    });
    expect(JSON.stringify(line)).not.toContain(around.env['AWS_SECRET_ACCESS_KEY']);
  });
});
