import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, Ssh2Client } from '../clients/ssh2-client.ts';
import { sftpByPassword } from '../support/askpass.ts';
import { run } from '../support/processes.ts';
import { type SecretsServer, startSecretsServer } from '../support/secrets-manager.ts';
import {
  COMMAND,
  createSurroundings,
  SERVE_REREADING,
  type Service,
  type Surroundings,
  sftp,
  sshOptions,
  startService,
} from '../support/service.ts';
import { USERNAME } from '../support/workspace.ts';

const CHANGED = 'the users have changed';
const FAILED = 'the users cannot be read again; those who were there before stay';
const WELL = 'the users can be read again';

let around: Surroundings;
let secrets: SecretsServer;
/** What `sluice serve` needs when its keys and users are secrets. */
let env: Readonly<Record<string, string>>;
/** The users document with the one user that every test begins with. */
let original: string;
/** The host keys of the workspace, by name. */
let hostKeys: string;

beforeAll(async () => {
  around = await createSurroundings();
  secrets = await startSecretsServer();
  const { hostKeysDir, usersFile } = around.workspace;
  original = await readFile(usersFile, 'utf8');
  const keys = (await readdir(hostKeysDir)).filter((name) => !name.endsWith('.pub'));
  const entries = keys.map(async (name) => [name, await readFile(join(hostKeysDir, name), 'utf8')] as const);
  hostKeys = JSON.stringify(Object.fromEntries(await Promise.all(entries)));
  env = {
    ...around.env,
    SLUICE_HOST_KEYS_DIR: '',
    SLUICE_USERS_FILE: '',
    SLUICE_HOST_KEYS_SECRET: secrets.put('host-keys', hostKeys),
    SLUICE_USERS_SECRET: 'users',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
  };
});
afterAll(async () => {
  await secrets?.close();
  await around?.close();
});

/** The original user under these names. */
function documentOf(...names: readonly string[]): string {
  const { users } = JSON.parse(original) as { users: object[] };
  return JSON.stringify({ users: names.map((username) => ({ ...users[0], username })) });
}

/** Whether a user of this name may log in, by the key that all have here. */
async function mayLogIn({ port }: Service, username: string): Promise<boolean> {
  const options = sshOptions(around.workspace);
  const args = [...options, '-P', String(port), '-b', '/dev/null', `${username}@127.0.0.1`];
  return (await run('sftp', args)).code === 0;
}

/** Resolves when the secret has been read so often again that all but the last reading have had their effect. */
async function rereads(count: number): Promise<void> {
  const wanted = secrets.requests.length + count;
  await secrets.waitFor(() => secrets.requests.length >= wanted);
}

describe('sluice serve with its host keys and users in Secrets Manager', () => {
  test('starts, is who the secret says, and lets its users in', async () => {
    secrets.put('users', original);
    const service = await startService(env);
    const { workspace } = around;
    expect(await sftp(service, workspace, [`put ${workspace.usersFile} /file`])).toMatchObject({ code: 0 });
    const known = await readFile(workspace.path('known_hosts'), 'utf8');
    const publicLine = await readFile(join(workspace.hostKeysDir, 'ssh_host_ed25519_key.pub'), 'utf8');
    expect(known).toContain(publicLine.trim());
    expect(await service.stop()).toMatchObject({ code: 0, stderr: '' });
  });

  test('a user who is added may log in without a restart, one who is removed may not, but goes on', async () => {
    secrets.put('users', documentOf(USERNAME, 'leaving'));
    const service = await startService(env, SERVE_REREADING);
    expect(await mayLogIn(service, 'leaving')).toBe(true);
    expect(await mayLogIn(service, 'coming')).toBe(false);
    const session = await Ssh2Client.connect(service.port, around.workspace);
    secrets.put('users', documentOf('coming'));
    expect(await service.log(({ msg }) => msg === CHANGED)).toMatchObject({
      level: 'info',
      users: 1,
      added: ['coming'],
      removed: [USERNAME, 'leaving'],
      changed: [],
    });
    expect(await mayLogIn(service, 'coming')).toBe(true);
    expect(await mayLogIn(service, 'leaving')).toBe(false);
    expect(await mayLogIn(service, USERNAME)).toBe(false);
    const handle = await answer<Buffer>((done) => session.sftp.open('/by-who-was-removed', 'w', done));
    await session.close(handle);
    await session.end();
    await service.stop();
  });

  test.each([
    ['broken', (broken: string) => void secrets.put('users', broken), /^the users document \(SLUICE_USERS_/],
    ['denied', () => secrets.deny('users'), /^SLUICE_USERS_SECRET: not allowed to read the secret users/],
    ['gone', () => secrets.remove('users'), /^SLUICE_USERS_SECRET: the secret users does not exist/],
  ] as const)(
    'a users secret that is %s changes nothing; the log says so once',
    async (_, spoil, problem) => {
      secrets.put('users', original);
      const service = await startService(env, SERVE_REREADING);
      spoil(original.replace('"passwordHash":', ''));
      await service.log(({ msg }) => msg === FAILED);
      await rereads(3);
      expect(service.logged(FAILED)).toMatchObject([
        { level: 'warn', problems: [expect.stringMatching(problem)] },
      ]);
      expect(await mayLogIn(service, USERNAME)).toBe(true);
      secrets.put('users', original);
      await service.log(({ msg }) => msg === WELL);
      const { stdout, stderr } = await service.stop();
      expect(service.logged(CHANGED)).toEqual([]);
      expect(stdout + stderr).not.toContain('$argon2id$');
    },
  );

  test('serves on while Secrets Manager is away', async () => {
    const own = await startSecretsServer();
    own.put('users', original);
    own.put('host-keys', hostKeys);
    const service = await startService(
      {
        ...env,
        SLUICE_HOST_KEYS_SECRET: 'host-keys',
        AWS_ENDPOINT_URL_SECRETS_MANAGER: own.endpoint,
      },
      SERVE_REREADING,
    );
    await own.close();
    expect(await service.log(({ msg }) => msg === FAILED)).toMatchObject({
      problems: [expect.stringContaining('the secret users cannot be read: ')],
    });
    expect(await mayLogIn(service, USERNAME)).toBe(true);
    expect(await service.stop()).toMatchObject({ code: 0 });
  });
});

test('a user who is added to the users file may log in without a restart as well', async () => {
  const { workspace } = around;
  const file = workspace.path('growing.json');
  await writeFile(file, original);
  const service = await startService({ ...around.env, SLUICE_USERS_FILE: file }, SERVE_REREADING);
  expect(await mayLogIn(service, 'coming')).toBe(false);
  await writeFile(`${file}.new`, documentOf(USERNAME, 'coming'));
  await rename(`${file}.new`, file);
  expect(await service.log(({ msg }) => msg === CHANGED)).toMatchObject({ users: 2, added: ['coming'] });
  expect(await mayLogIn(service, 'coming')).toBe(true);
  await service.stop();
});

describe('what is wrong with the secrets at the start is explained, with exit code 2:', () => {
  /** `sluice serve` to its end; the lines that it has said. */
  async function faults(changes: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const { code, stdout, stderr } = await run(process.execPath, [...COMMAND, 'serve'], {
      env: { ...env, ...changes },
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    return stderr.trim().split('\n');
  }

  test('both, each with its faults', async () => {
    secrets.put('bad-keys', JSON.stringify({ first: 'not a key', second: 2 }));
    secrets.put('users', '{"users":[{"username":"a"},{"username":"b"}]}');
    expect(await faults({ SLUICE_HOST_KEYS_SECRET: 'bad-keys' })).toEqual([
      expect.stringMatching(/^sluice: SLUICE_HOST_KEYS_SECRET: "first" is not a usable private key: /),
      'sluice: SLUICE_HOST_KEYS_SECRET: "second" must be the text of a private key',
      ...['users[0] ("a")', 'users[1] ("b")'].map(
        (user) =>
          `sluice: the users document (SLUICE_USERS_SECRET): ${user} has neither passwordHash nor publicKeys, so nobody could log in`,
      ),
    ]);
  });

  test('one that is not there, and one that may not be read', async () => {
    secrets.put('users', original);
    secrets.deny('users');
    expect(await faults({ SLUICE_HOST_KEYS_SECRET: 'none' })).toEqual([
      'sluice: SLUICE_HOST_KEYS_SECRET: the secret none does not exist, or has no value yet',
      expect.stringMatching(/^sluice: SLUICE_USERS_SECRET: not allowed to read the secret users/),
    ]);
  });

  test('a Secrets Manager that cannot be reached', async () => {
    const said = await faults({ AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:9' });
    expect(said).toEqual([
      expect.stringMatching(
        /^sluice: SLUICE_HOST_KEYS_SECRET: the secret arn:\S+ cannot be read: .*ECONNREFUSED/,
      ),
      expect.stringMatching(/^sluice: SLUICE_USERS_SECRET: the secret users cannot be read: .*ECONNREFUSED/),
    ]);
  });
});

describe('sluice doctor with secrets', () => {
  const doctor = () => run(process.execPath, [...COMMAND, 'doctor'], { env });

  test('reports users and host keys as it does for files', async () => {
    secrets.put('users', documentOf('a', 'b'));
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {3}users {10}2 may log in$/m);
    expect(stdout).toMatch(/^ok {3}host key {7}ssh-ed25519 SHA256:/m);
  });

  test('says what is wrong with one of them', async () => {
    secrets.remove('users');
    const { code, stderr } = await doctor();
    expect(code).toBe(2);
    expect(stderr).toContain('sluice: SLUICE_USERS_SECRET: the secret users does not exist');
  });
});

describe('users with a secret each, as those of Transfer Family', () => {
  const SLUICE_USERS_SECRET_PREFIX = 'SFTP/';

  test('log in by password and by key, and their files go into their home', async () => {
    const { workspace } = around;
    const key = (await readFile(`${workspace.identity}.pub`, 'utf8')).trim();
    const details = '[{"Entry": "/", "Target": "/uploads/tenants/moved"}]';
    const secret = { Password: 'sesame open', PublicKeys: [key], Role: 'x', HomeDirectoryDetails: details };
    secrets.put(`SFTP/${USERNAME}`, JSON.stringify(secret));
    const service = await startService({ ...env, SLUICE_USERS_SECRET: '', SLUICE_USERS_SECRET_PREFIX });
    const put = `put ${workspace.usersFile} /moved.json`;
    expect((await sftpByPassword(service, workspace, USERNAME, 'sesame open', [put])).code).toBe(0);
    expect((await around.job('/moved.json')).data).toMatchObject({ key: 'tenants/moved/moved.json' });
    expect((await sftp(service, workspace, ['ls /moved.json'])).code).toBe(0);
    expect((await sftpByPassword(service, workspace, USERNAME, 'a guess')).code).toBe(255);
    expect((await sftpByPassword(service, workspace, 'nobody', 'sesame open')).code).toBe(255);
    const { stdout, stderr } = await service.stop();
    expect(stdout + stderr).not.toMatch(/sesame|a guess/);
  });

  test('sluice doctor says whether they can be read', async () => {
    const doctor = () =>
      run(process.execPath, [...COMMAND, 'doctor'], {
        env: { ...env, SLUICE_USERS_SECRET: '', SLUICE_USERS_SECRET_PREFIX },
      });
    const well = await doctor();
    expect(well.stdout).toMatch(/^ok {3}users {10}a secret each: SFTP\/USERNAME$/m);
    expect(well.code).toBe(0);
    secrets.put('SFTP/sluice-doctor', '{}');
    secrets.deny('SFTP/sluice-doctor');
    const denied = await doctor();
    expect(denied.stdout).toMatch(
      /^FAIL users {10}SLUICE_USERS_SECRET_PREFIX: not allowed to read the secret/m,
    );
    expect(denied.code).toBe(1);
  });
});
