import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sftpByPassword } from '../support/askpass.ts';
import { run } from '../support/processes.ts';
import {
  COMMAND,
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';
import { createWorkspace, PASSWORD, USERNAME, type Workspace } from '../support/workspace.ts';

let around: Surroundings;
let strict: Workspace;
let service: Service;
let strictService: Service;

beforeAll(async () => {
  around = await createSurroundings();
  strict = await createWorkspace({ requires: ['publickey', 'password'] });
  const env = { ...around.env, SLUICE_BACKEND: 'memory' };
  service = await startService(env);
  strictService = await startService({
    ...env,
    SLUICE_USERS_FILE: strict.usersFile,
    SLUICE_HOST_KEYS_DIR: strict.hostKeysDir,
  });
});
afterAll(async () => {
  await service?.stop();
  await strictService?.stop();
  await strict?.remove();
  await around?.close();
});

describe('who may come in by a webhook', () => {
  const SECRET = '0123456789abcdef';
  let webhook: Server;
  let asked: { readonly authorization: string | undefined; readonly question: Record<string, unknown> }[];
  let service: Service;

  beforeAll(async () => {
    asked = [];
    webhook = createServer(async (request, response) => {
      const question = JSON.parse(Buffer.concat(await request.toArray()).toString());
      asked.push({ authorization: request.headers.authorization, question });
      if (question.username === 'broken') return void response.writeHead(500).end();
      const isRight = question.password === 'from elsewhere' || question.method === 'publickey';
      if (!isRight) return void response.writeHead(401).end();
      response.end(
        JSON.stringify({ session: { prefix: 'tenants/webhook/' }, permissions: ['list', 'write'] }),
      );
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    service = await startService({
      ...around.env,
      SLUICE_USERS_FILE: '',
      SLUICE_AUTH_URL: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/login`,
      SLUICE_AUTH_SECRET: SECRET,
    });
  });
  afterAll(async () => {
    await service?.stop();
    webhook?.closeAllConnections();
    await new Promise((resolve) => webhook?.close(resolve));
  });

  test('is in with the prefix and the permissions that it says', async () => {
    const file = around.workspace.path('webhook.txt');
    await writeFile(file, 'from a partner');
    const put = [`put ${file} /in.txt`, 'rm /in.txt'];
    const { code, stderr } = await sftpByPassword(
      service,
      around.workspace,
      'someone',
      'from elsewhere',
      put,
    );
    expect({ code, stderr }).toMatchObject({ stderr: expect.stringContaining('Permission denied') });
    expect((await around.job('/in.txt')).data).toMatchObject({
      key: 'tenants/webhook/in.txt',
      username: 'someone',
    });
    expect(asked.at(-1)).toMatchObject({
      authorization: `Bearer ${SECRET}`,
      question: {
        username: 'someone',
        password: 'from elsewhere',
        connection: { clientAddress: '127.0.0.1' },
      },
    });
  });

  test('by a key only if the client has it', async () => {
    expect((await sftp(service, around.workspace, ['pwd'])).code).toBe(0);
    const line = (await readFile(`${around.workspace.identity}.pub`, 'utf8'))
      .split(' ')
      .slice(0, 2)
      .join(' ');
    expect(asked.at(-1)?.question['publicKey']).toBe(line);
  });

  test('is refused when it says no, and when it is out of order; the log says which', async () => {
    expect((await sftpByPassword(service, around.workspace, 'someone', 'a guess')).code).toBe(255);
    await service.log(({ msg }) => msg === 'authentication refused');
    expect((await sftpByPassword(service, around.workspace, 'broken', 'a guess')).code).toBe(255);
    const failed = await service.log(({ msg }) => msg === 'the authenticator failed');
    expect(JSON.stringify(failed)).toContain('the webhook answered 500');
    expect(JSON.stringify(failed)).not.toContain('a guess');
  });
});

describe('who may come in by a module', () => {
  test('is whom it names', async () => {
    const module = around.workspace.path('auth.mjs');
    await writeFile(
      module,
      `export const init = async () => ({
        authenticate: async ({ username, password }) =>
          password === 'module' ? { username, session: { prefix: 'tenants/module/' } } : undefined,
      });`,
    );
    const own = await startService({ ...around.env, SLUICE_USERS_FILE: '', SLUICE_AUTH_MODULE: module });
    expect((await sftpByPassword(own, around.workspace, 'someone', 'module')).code).toBe(0);
    expect((await sftpByPassword(own, around.workspace, 'someone', 'a guess')).code).toBe(255);
    await own.stop();
  });

  test('is nobody where it has no authenticator: the server says so and does not start', async () => {
    const module = around.workspace.path('wrong.mjs');
    await writeFile(module, 'export const login = 1;');
    const env = { ...around.env, SLUICE_USERS_FILE: '', SLUICE_AUTH_MODULE: module };
    const { code, stderr } = await run(process.execPath, [...COMMAND, 'serve'], { env });
    expect(stderr).toBe(
      `sluice: SLUICE_AUTH_MODULE: the module ${module} has no authenticator: export a function ` +
        'authenticate(credentials, connection, proven), or a function init() that returns an object with such a one\n',
    );
    expect(code).toBe(2);
  });
});

describe('the log names the key', () => {
  const fingerprintOf = async (file: string) =>
    (await run('ssh-keygen', ['-l', '-f', file])).stdout.split(' ')[1];

  test('of who is in', async () => {
    expect((await sftp(service, around.workspace, ['pwd'])).code).toBe(0);
    const keyFingerprint = await fingerprintOf(`${around.workspace.identity}.pub`);
    const line = await service.log(({ msg, method }) => msg === 'authenticated' && method === 'publickey');
    expect(line).toMatchObject({ user: USERNAME, keyFingerprint });
  });

  test('of who is not, and none for a password', async () => {
    expect((await sftp(service, strict, ['pwd'])).code).toBe(255);
    const keyFingerprint = await fingerprintOf(`${strict.identity}.pub`);
    await service.log((line) => line['msg'] === 'key refused' && line['keyFingerprint'] === keyFingerprint);
    await sftpByPassword(service, around.workspace, USERNAME, 'a guess');
    const refused = await service.log(
      ({ msg, method }) => msg === 'authentication refused' && method !== 'publickey',
    );
    expect(refused).not.toHaveProperty('keyFingerprint');
  });
});

describe('keyboard-interactive', () => {
  const login = (password: string) =>
    sftpByPassword(
      service,
      around.workspace,
      USERNAME,
      password,
      ['pwd'],
      ['PreferredAuthentications=keyboard-interactive'],
    );

  test('asks for the password, and lets in who knows it', async () => {
    const { code, stdout } = await login(PASSWORD);
    expect(stdout).toContain('Remote working directory: /');
    expect(code).toBe(0);
    await service.log(({ msg, method }) => msg === 'authenticated' && method === 'keyboard-interactive');
  });

  test('refuses another one', async () => {
    expect((await login('a guess')).code).toBe(255);
    await service.log(
      ({ activityType, method }) => activityType === 'AUTH_FAILURE' && method === 'keyboard-interactive',
    );
  });
});

describe('a user who has to show key and password', () => {
  const login = (password: string, options: readonly string[]) =>
    sftpByPassword(strictService, strict, USERNAME, password, ['pwd'], options);
  const withKey = () => [`IdentityFile=${strict.identity}`, 'IdentitiesOnly=yes'];

  test('is in with both, typed or asked for', async () => {
    expect((await login(PASSWORD, withKey())).code).toBe(0);
    expect((await login(PASSWORD, [...withKey(), 'KbdInteractiveAuthentication=no'])).code).toBe(0);
    const order = 'PreferredAuthentications=password,publickey';
    expect((await login(PASSWORD, [...withKey(), order])).code).toBe(0);
  });

  test('is not with one of them, or one that is wrong', async () => {
    expect((await sftp(strictService, strict, ['pwd'])).code).toBe(255);
    expect((await login(PASSWORD, ['PubkeyAuthentication=no'])).code).toBe(255);
    expect((await login('a guess', withKey())).code).toBe(255);
  });
});
