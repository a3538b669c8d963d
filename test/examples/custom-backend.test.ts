import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFileStore } from '../../examples/custom-backend/store/server.ts';
import { sftpByPassword } from '../support/askpass.ts';
import { Running, run } from '../support/processes.ts';
import { sftp, startService } from '../support/service.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

const FOLDER = fileURLToPath(new URL('../../examples/custom-backend', import.meta.url));
const MiB = 1024 * 1024;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await createWorkspace();
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: FOLDER, stdio: 'inherit' });
});
afterAll(() => workspace?.remove());

/** The users document, with this session for its user. */
async function usersWith(session: Readonly<Record<string, string>>): Promise<string> {
  const document = JSON.parse(await readFile(workspace.usersFile, 'utf8'));
  const file = workspace.path(`users-${Object.values(session).join()}.json`);
  await writeFile(file, JSON.stringify({ users: [{ ...document.users[0], session }] }));
  return file;
}

test('the example passes the conformance kit and its own tests, as npm test runs them', async () => {
  const { code, stdout } = await run('npm', ['test', '--silent'], { cwd: FOLDER });
  expect(stdout).toMatch(/^. fail 0$/m);
  expect(stdout).toMatch(/^. skipped 0$/m);
  expect(code).toBe(0);
  const notRun = stdout.split('\n').filter((line) => line.includes('NOT RUN'));
  expect(notRun.length).toBeGreaterThan(0);
  expect(notRun.filter((line) => !line.includes('for want of copyChunk'))).toEqual([]);
  expect(stdout).not.toContain('DEVIATION');
  expect(stdout).toContain('while the store is unreachable rename rejects EIO or ETIMEDOUT');
});

test('sftp puts a file through the server into the API and gets it back, in the space of its user', async () => {
  const store = await startFileStore({ token: 'a-token' });
  const service = await startService({
    SLUICE_HOST: '127.0.0.1',
    SLUICE_PORT: '0',
    SLUICE_HEALTH_PORT: '0',
    SLUICE_HOST_KEYS_DIR: workspace.hostKeysDir,
    SLUICE_USERS_FILE: await usersWith({ space: 'acme' }),
    SLUICE_BACKEND: join(FOLDER, 'dist/index.js'),
    SLUICE_BACKEND_OPTIONS: JSON.stringify({ url: store.url, token: 'a-token' }),
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'none',
  });
  const content = Buffer.alloc(5 * MiB + 7, 'not all the same ');
  await writeFile(workspace.path('sent'), content);
  const { code, stderr } = await sftp(service, workspace, [
    'mkdir /in',
    `put ${workspace.path('sent')} /in/file`,
    'rename /in/file /in/renamed',
    `get /in/renamed ${workspace.path('received')}`,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect((await readFile(workspace.path('received'))).equals(content)).toBe(true);
  expect(store.space('acme').tree.getFile('/in/renamed').bytes.equals(content)).toBe(true);
  expect(store.space('acme').uploads.count).toBe(0);
  store.goAway();
  const away = await sftp(service, workspace, ['mkdir /other']);
  expect(away.code).not.toBe(0);
  expect(away.stderr).toContain('remote mkdir "/other": Failure');
  store.comeBack();
  expect(await sftp(service, workspace, ['mkdir /other'])).toMatchObject({ code: 0 });
  expect(await service.stop()).toMatchObject({ code: 0 });
  await store.close();
});

test('npm start runs store and server, and both end with SIGTERM', async () => {
  const running = new Running(
    process.execPath,
    ['--import', 'tsx', 'store/main.ts', workspace.path('demo'), '0'],
    { cwd: FOLDER, env: { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' } },
  );
  const listening = await running.line((line) => line.includes('"msg":"listening"'));
  const { code } = await sftpByPassword(JSON.parse(listening), workspace, 'demo', 'demo', [
    'mkdir /a',
    'cd /a',
  ]);
  expect(code).toBe(0);
  running.kill('SIGTERM');
  expect(await running.exited).toMatchObject({ code: 0 });
});
