import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/passwords.ts';
import { run } from '../support/processes.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../support/s3-subject.ts';
import { type SecretsServer, startSecretsServer } from '../support/secrets-manager.ts';
import { COMMAND } from '../support/service.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

let workspace: Workspace;
let secrets: SecretsServer;

beforeAll(async () => {
  workspace = await createWorkspace();
  secrets = await startSecretsServer();
});
afterAll(async () => {
  await secrets?.close();
  await workspace?.remove();
});

/** The command with these arguments, and nothing of this process's environment but what is given. */
function addUser(args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
  return run(process.execPath, [...COMMAND, 'add-user', ...args], { env: {}, ...options });
}

const read = async (file: string) => JSON.parse(await readFile(file, 'utf8'));

test('into a file that is not there yet, for its owner alone, with key, attributes and permissions', async () => {
  const file = workspace.path('new-users.json');
  const key = `${workspace.identity}.pub`;
  const session = ['--session', 'prefix=tenants/bob/', '--session', 'plan=a=b'];
  const folders = ['--folder', '/in=/inbox', '--folder', '/out=/', '--home', '/in'];
  const args = [
    'bob',
    '--public-key',
    key,
    ...session,
    ...folders,
    '--permissions',
    'list,write',
    '--file',
    file,
  ];
  const { code, stdout } = await addUser(args);
  expect(code).toBe(0);
  const [, fingerprint, comment] = (await run('ssh-keygen', ['-l', '-f', key])).stdout.split(' ');
  expect(stdout).toBe(
    `bob may log in: added to ${file}. Running servers have read it within a minute.\n` +
      `  key ${fingerprint} ssh-ed25519 ${comment}\n`,
  );
  expect(await read(file)).toEqual({
    users: [
      {
        username: 'bob',
        publicKeys: [(await readFile(key, 'utf8')).trim()],
        session: { prefix: 'tenants/bob/', plan: 'a=b' },
        permissions: ['list', 'write'],
        folders: [
          { path: '/in', target: '/inbox' },
          { path: '/out', target: '/' },
        ],
        home: '/in',
      },
    ],
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('into the secret that SLUICE_USERS_SECRET names, with a password from a pipe', async () => {
  secrets.put('users', await readFile(workspace.usersFile, 'utf8'));
  const { code, stdout, stderr } = await addUser(['bob', '--password'], {
    input: 'correct horse\n',
    env: {
      SLUICE_USERS_SECRET: 'users',
      AWS_ENDPOINT_URL: secrets.endpoint,
      AWS_REGION: TEST_REGION,
      AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
    },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toContain('correct horse');
  const { users } = JSON.parse(secrets.get('users'));
  expect(users.map(({ username }: { username: string }) => username)).toEqual(['acme', 'bob']);
  expect(await verifyPassword(users[1].passwordHash, 'correct horse')).toBe(true);
});

test('who could read the file before can read it afterwards: a server may run as somebody else', async () => {
  const file = workspace.path('shared-users.json');
  await writeFile(file, '{"users":[]}');
  await chmod(file, 0o640);
  const args = ['bob', '--public-key', `${workspace.identity}.pub`, '--file', file];
  expect((await addUser(args)).code).toBe(0);
  expect((await stat(file)).mode & 0o777).toBe(0o640);
});

test('what is wrong is told before a password is asked for', async () => {
  const file = workspace.path('users.json');
  const { code, stderr } = await addUser(['acme', '--password', '--file', file], { input: '' });
  expect(code).toBe(2);
  expect(stderr).toContain('user "acme" is there already');
  expect(stderr).not.toContain('password');
});

test('nothing is written when it would be wrong, and it says why', async () => {
  const file = workspace.path('users.json');
  const before = await readFile(file, 'utf8');
  const { code, stderr } = await addUser(['acme', '--password', '--file', file], { input: 'secret\n' });
  expect(code).toBe(2);
  expect(stderr).toContain('user "acme" is there already');
  expect(await readFile(file, 'utf8')).toBe(before);
});

test('a document that cannot be found, and an attribute without a value, are explained', async () => {
  expect((await addUser(['bob', '--password'], { input: 'x\n' })).stderr).toBe(
    'sluice: where are the users? Name the document by --file or --secret\n',
  );
  const file = workspace.path('empty.json');
  await writeFile(file, '{"users":[]}');
  const args = ['bob', '--public-key', `${workspace.identity}.pub`, '--session', 'prefix', '--file', file];
  expect((await addUser(args)).stderr).toBe(
    'sluice: --session prefix: must be KEY=VALUE, such as prefix=tenants/acme/\n',
  );
});

test.each([
  ['/in', '--folder /in: must be PATH=TARGET, such as /in=/inbox'],
  ['in=/inbox', 'folders.0.path: must be an absolute path of plain names'],
])('a folder that is %s is explained', async (folder, message) => {
  const args = ['bob', '--public-key', `${workspace.identity}.pub`, '--file', workspace.path('folders.json')];
  const { code, stderr } = await addUser([...args, '--folder', folder]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
