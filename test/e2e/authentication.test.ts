import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sftpByPassword } from '../support/askpass.ts';
import {
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
