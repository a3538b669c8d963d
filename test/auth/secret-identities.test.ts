import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyPassword } from '../../src/auth/passwords.ts';
import { createSecretAuthenticator, createSecretIdentities } from '../../src/auth/secret-identities.ts';
import type { Authenticator, Credentials } from '../../src/contract/auth.ts';
import { createSecretFinder } from '../../src/secrets/find-secret.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog, type LogLine } from '../support/collect-log.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../support/s3-subject.ts';
import { type SecretsServer, startSecretsServer } from '../support/secrets-manager.ts';
import { str } from '../support/sftp-packets.ts';

vi.mock('../../src/auth/passwords.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/auth/passwords.ts')>();
  return { ...original, verifyPassword: vi.fn(original.verifyPassword) };
});

const { connection } = createTestContext();
const BLOB = Buffer.concat([str('ssh-ed25519'), str(Buffer.alloc(32, 7))]);
const LINE = `ssh-ed25519 ${BLOB.toString('base64')}`;
const HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$hFrcBkGW6wCtzUhHcWUqMVDAMYvYNQpuZgTCaB/8wPo';

let server: SecretsServer;
let proxy: FaultProxy;
let lines: LogLine[];
let authenticator: Authenticator;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  server = await startSecretsServer();
  proxy = await startFaultProxy(server.endpoint);
  lines = [];
  authenticator = createSecretAuthenticator(options(), collectLog(lines).log);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.mocked(verifyPassword).mockClear();
  await proxy.close();
  await server.close();
});

function options(patienceMs?: number) {
  const aws = { endpoint: proxy.endpoint, region: TEST_REGION, credentials: TEST_CREDENTIALS };
  const find = createSecretFinder({ variable: 'SLUICE_USERS_SECRET_PREFIX', aws }, patienceMs);
  return { prefix: 'SFTP/', homeAttribute: 'prefix', bucket: 'files', find };
}

const put = (username: string, secret: object | string) =>
  server.put(`SFTP/${username}`, typeof secret === 'string' ? secret : JSON.stringify(secret));
const show = (credentials: Credentials, clientAddress = '192.0.2.1', proven: 'password'[] = []) =>
  authenticator.authenticate(credentials, { ...connection, clientAddress }, new Set(proven));
const byPassword = (username: string, password: string, clientAddress?: string) =>
  show({ method: 'password', username, password }, clientAddress);
const byKey = (username: string, blob = BLOB) =>
  show({ method: 'publickey', username, key: { algorithm: 'ssh-ed25519', blob } });
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

describe('a secret of Transfer Family', () => {
  beforeEach(() => {
    put('acme', {
      Password: 'sesame open',
      PublicKeys: [LINE],
      Role: 'arn:aws:iam::111122223333:role/x',
      HomeDirectoryDetails: '[{"Entry":"/","Target":"/files/tenants/acme"}]',
      AcceptedIpNetwork: '192.0.2.0/24',
    });
  });
  const principal = {
    username: 'acme',
    session: { prefix: 'tenants/acme/' },
    limits: { addresses: ['192.0.2.0/24'] },
  };

  test('lets its user in by password and by key', async () => {
    expect(await byPassword('acme', 'sesame open')).toEqual(principal);
    expect(await byKey('acme')).toEqual(principal);
  });

  test.each(['', 'sesame', 'sesame open ', 'Sesame open'])(
    'not by another password: "%s"',
    async (password) => {
      expect(await byPassword('acme', password)).toBeUndefined();
    },
  );

  test('not by another key', async () => {
    expect(await byKey('acme', Buffer.concat([BLOB, Buffer.of(0)]))).toBeUndefined();
  });

  test('gives folders, and buckets that are not that of the service', async () => {
    put('folders', {
      Password: 'sesame open',
      HomeDirectory: '/in',
      HomeDirectoryDetails: [
        { Entry: '/in', Target: '/files/folders' },
        { Entry: '/out', Target: '/other/reports' },
      ],
    });
    put('elsewhere', { Password: 'sesame open', HomeDirectory: '/other/elsewhere' });
    expect(await byPassword('folders', 'sesame open')).toEqual({
      username: 'folders',
      session: {},
      home: '/in',
      folders: [
        { path: '/in', session: { prefix: 'folders/' } },
        { path: '/out', bucket: 'other', session: { prefix: 'reports/' } },
      ],
    });
    expect(await byPassword('elsewhere', 'sesame open')).toEqual({
      username: 'elsewhere',
      session: { prefix: 'elsewhere/' },
      bucket: 'other',
    });
  });

  test('may have a hash in the place of the password, and what this server adds', async () => {
    put('hashed', {
      Password: HASH,
      permissions: ['list'],
      session: { plan: 'gold' },
      requires: ['password'],
    });
    vi.mocked(verifyPassword).mockResolvedValueOnce(true);
    expect(await byPassword('hashed', 'x')).toEqual({
      username: 'hashed',
      session: { plan: 'gold' },
      permissions: ['list'],
    });
    expect(vi.mocked(verifyPassword).mock.calls).toEqual([[HASH, 'x']]);
    expect(await byPassword('hashed', HASH)).toBeUndefined();
  });
});

test('a secret may be an entry of the users document', async () => {
  put('own', {
    publicKeys: [`no-touch-required ${LINE}`],
    session: { prefix: 'own/' },
    requires: ['publickey'],
  });
  expect(await byKey('own')).toEqual({ username: 'own', session: { prefix: 'own/' } });
  const key = { algorithm: 'ssh-ed25519', blob: BLOB };
  const credentials = { method: 'publickey', username: 'own', key } as const;
  expect(authenticator.waivesTouch?.(credentials, connection)).toBe(true);
  expect(authenticator.waivesTouch?.({ ...credentials, username: 'other' }, connection)).toBe(false);
});

describe('who has no secret', () => {
  test.each([
    ['an unknown name', 'nobody', {}],
    ['a name that nobody has', '../acme', {}],
    ['a wrong password', 'plain', { Password: 'right' }],
    ['a user without a password', 'keys-only', { PublicKeys: [LINE] }],
    ['a secret that cannot be used', 'broken', { Password: 'x', Policy: '{}' }],
  ])('costs one check of a hash of our own: %s', async (_, username, secret) => {
    if (username !== 'nobody') put(username, secret);
    expect(await byPassword(username, 'wrong')).toBeUndefined();
    expect(vi.mocked(verifyPassword).mock.calls).toHaveLength(1);
    expect(vi.mocked(verifyPassword).mock.calls[0]?.[0]).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$|^\$sha256\$/,
    );
  });

  test.each(['', '../acme', 'a/b', 'acme*', 'x'.repeat(65), '__proto__ ', 'a b'])(
    'is not asked for by a name that could not be one: "%s"',
    async (username) => {
      expect(await byPassword(username, 'x')).toBeUndefined();
      expect(proxy.requests).toEqual([]);
    },
  );
});

describe('Secrets Manager is asked', () => {
  test('once a minute for a user, and for a name that has no secret', async () => {
    put('acme', { Password: 'old' });
    for (let attempt = 0; attempt < 3; attempt++) {
      await byPassword('acme', 'old');
      await byPassword('nobody', 'x');
    }
    expect(proxy.requests).toHaveLength(2);
    pass(59);
    await byPassword('acme', 'old');
    expect(proxy.requests).toHaveLength(2);
    pass(1);
    put('acme', { Password: 'new' });
    put('nobody', { Password: 'x' });
    expect(await byPassword('acme', 'old')).toBeUndefined();
    expect(await byPassword('acme', 'new')).toMatchObject({ username: 'acme' });
    expect(await byPassword('nobody', 'x')).toMatchObject({ username: 'nobody' });
    expect(proxy.requests).toHaveLength(4);
  });

  test('once for those who come at the same time', async () => {
    put('acme', { Password: 'x' });
    await Promise.all(Array.from({ length: 20 }, () => byKey('acme')));
    expect(proxy.requests).toHaveLength(1);
  });

  test('about ten thousand unknown names in a minute, and about no more; who is known comes in all the same', async () => {
    const { find } = options();
    const asked: string[] = [];
    put('acme', { PublicKeys: [LINE] });
    authenticator = createSecretAuthenticator(
      {
        ...options(),
        find: async (secretId) => {
          asked.push(secretId);
          return secretId === 'SFTP/acme' ? await find(secretId) : { state: 'absent' };
        },
      },
      collectLog(lines).log,
    );
    await byKey('acme');
    for (let index = 0; index < 12_000; index++) await byKey(`guess-${index}`);
    expect(asked).toHaveLength(10_001);
    expect(lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('refused unasked') }]);
    expect(await byKey('acme')).toBeDefined();
    pass(60);
    expect(await byKey('acme')).toBeDefined();
    await byKey('guess-11999');
    expect(asked.slice(-2)).toEqual(['SFTP/acme', 'SFTP/guess-11999']);
  });
});

describe('when Secrets Manager', () => {
  const outage = {
    target: 'secretsmanager.GetSecretValue',
    respond: { status: 500, body: '{"__type":"InternalServiceError"}' },
  };

  test('cannot be asked, who was known comes in as before, with one warning, and it is asked again soon', async () => {
    put('acme', { Password: 'x' });
    await byPassword('acme', 'x');
    pass(60);
    proxy.fault({ ...outage, times: 3 });
    expect(await byPassword('acme', 'x')).toBeDefined();
    expect(await byPassword('acme', 'x')).toBeDefined();
    expect(proxy.requests).toHaveLength(4);
    expect(lines).toMatchObject([
      {
        level: 'warn',
        message: "a user's secret cannot be read again; what was there before stays",
        fields: { user: 'acme', problem: expect.stringContaining('InternalServiceError') },
      },
    ]);
    put('acme', { Password: 'y' });
    pass(10);
    expect(await byPassword('acme', 'y')).toBeDefined();
  });

  test('cannot be asked, who was not known is a failure and no refusal', async () => {
    put('acme', { Password: 'x' });
    proxy.fault({ ...outage, times: 3 });
    await expect(byPassword('acme', 'x')).rejects.toThrow(
      'SLUICE_USERS_SECRET_PREFIX: the secret SFTP/acme cannot be read',
    );
    expect(await byPassword('acme', 'x')).toBeDefined();
  });

  test('has no secret any more, or one to be deleted, its user is out', async () => {
    put('acme', { Password: 'x' });
    put('other', { Password: 'x' });
    await byPassword('acme', 'x');
    await byPassword('other', 'x');
    pass(60);
    server.remove('SFTP/acme');
    expect(await byPassword('acme', 'x')).toBeUndefined();
    const body = '{"__type":"InvalidRequestException","Message":"it was marked for deletion"}';
    proxy.fault({ ...outage, respond: { status: 400, body }, times: 1 });
    expect(await byPassword('other', 'x')).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test('denies it, nobody is in, and the log says once what is lacking', async () => {
    put('acme', { Password: 'x' });
    put('other', { Password: 'x' });
    await byPassword('acme', 'x');
    pass(60);
    server.deny('SFTP/acme');
    server.deny('SFTP/other');
    expect(await byPassword('acme', 'x')).toBeUndefined();
    expect(await byPassword('other', 'x')).toBeUndefined();
    expect(lines).toMatchObject([
      {
        level: 'error',
        message: 'the secrets of users cannot be read: nobody is let in',
        fields: {
          problem: expect.stringContaining(
            'not allowed to read the secret SFTP/acme (secretsmanager:GetSecretValue',
          ),
        },
      },
    ]);
  });
});

describe('a secret that cannot be used', () => {
  test.each([
    ['no JSON', 'sesame', ['it is not JSON']],
    ['a list', '["sesame"]', ['it is no JSON object']],
    ['a field that there is not', '{"passwordHash":"sesame","hash":""}', ['Unrecognized key: "hash"']],
    [
      'the name of another',
      JSON.stringify({ username: 'sesame', publicKeys: [LINE] }),
      ['username: is not that of the secret'],
    ],
    [
      'nothing to show',
      '{"Role":"sesame"}',
      ['has neither passwordHash nor publicKeys, so nobody could log in'],
    ],
    [
      'a policy',
      '{"Password":"sesame","Policy":"sesame"}',
      [expect.stringContaining('Policy: is not applied here')],
    ],
    [
      'a bad key',
      '{"PublicKeys":["ssh-dss AAAAsesame"]}',
      [expect.stringContaining('publicKeys.0: has a type that is not accepted')],
    ],
  ])('lets nobody in and is told, without what is in it: %s', async (_, text, problem) => {
    put('acme', text);
    expect(await byPassword('acme', 'sesame')).toBeUndefined();
    expect(await byPassword('acme', 'sesame')).toBeUndefined();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'error',
      message: "a user's secret cannot be used",
      fields: { user: 'acme' },
    });
    expect(lines[0]?.fields['problem']).toEqual(expect.arrayContaining(problem));
    expect(JSON.stringify(lines)).not.toContain('sesame');
  });

  test('changes nothing for who was let in before', async () => {
    put('acme', { Password: 'x' });
    await byPassword('acme', 'x');
    pass(60);
    put('acme', '{');
    expect(await byPassword('acme', 'x')).toBeDefined();
    expect(lines).toMatchObject([
      { level: 'warn', fields: { problem: [expect.stringContaining('it is not JSON')] } },
    ]);
  });
});

describe('whether secrets can be read', () => {
  const probe = () => createSecretIdentities(options(1000)).probe?.();

  test('is so when there is one, and when there is none', async () => {
    expect(await probe()).toEqual({ state: 'ok' });
    put('sluice-doctor', '{}');
    expect(await probe()).toEqual({ state: 'ok' });
  });

  test('is not when it is denied, or nobody answers', async () => {
    put('sluice-doctor', '{}');
    server.deny('SFTP/sluice-doctor');
    expect(await probe()).toMatchObject({
      state: 'wrong',
      message: expect.stringContaining('not allowed to read'),
    });
    await server.close();
    expect(await probe()).toMatchObject({ state: 'unreachable' });
  });

  test('is told when the server starts', async () => {
    put('sluice-doctor', '{}');
    server.deny('SFTP/sluice-doctor');
    await createSecretIdentities(options()).open(collectLog(lines).log);
    await vi.waitFor(() =>
      expect(lines).toMatchObject([{ level: 'error', message: 'no secret of a user can be read' }]),
    );
  });
});
