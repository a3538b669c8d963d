import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Finished, run } from '../support/processes.ts';
import { COMMAND, sftp, startService } from '../support/service.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

/** A backend in a file of its own, over the package's one in memory, with errors of a copy of the package. */
const MODULE = `
  import { appendFileSync } from 'node:fs';
  import { createMemoryBackend } from '${new URL('../../dist/backends/memory/memory.js', import.meta.url).href}';
  import { FsError } from '${new URL('../../dist/contract/errors.js', import.meta.url).href}?another-copy';

  export async function init({ journal, refuses }, { log, memory }) {
    const note = (what) => appendFileSync(journal, what + '\\n');
    note('init ' + typeof log.info + ' ' + typeof memory.tryReserve);
    const backend = createMemoryBackend();
    return {
      ...backend,
      name: 'journalled',
      start: () => note('start'),
      probe: async () => (refuses ? { state: 'wrong', message: 'the journal is full' } : { state: 'ok' }),
      close: async () => note('close'),
      makeDir: async () => {
        throw new FsError('EACCES', 'no folders here');
      },
      beginWrite: async (context, path, options) => {
        note('write ' + path);
        return backend.beginWrite(context, path, options);
      },
    };
  }
`;

let workspace: Workspace;
let env: Record<string, string>;

beforeAll(async () => {
  workspace = await createWorkspace();
  await writeFile(workspace.path('backend.mjs'), MODULE);
  env = {
    SLUICE_HOST: '127.0.0.1',
    SLUICE_PORT: '0',
    SLUICE_HEALTH_PORT: '0',
    SLUICE_HOST_KEYS_DIR: workspace.hostKeysDir,
    SLUICE_USERS_FILE: workspace.usersFile,
    SLUICE_BACKEND: workspace.path('backend.mjs'),
    SLUICE_BACKEND_OPTIONS: JSON.stringify({ journal: workspace.path('journal') }),
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'none',
  };
});
afterAll(() => workspace?.remove());

const journal = async () => (await readFile(workspace.path('journal'), 'utf8')).trim().split('\n');

const doctor = (more: Readonly<Record<string, string>>): Promise<Finished> =>
  run(process.execPath, [...COMMAND, 'doctor'], { env: { ...env, ...more } });

test('sluice serve keeps files in the backend of a module', async () => {
  await writeFile(workspace.path('report.csv'), 'a,b\n');
  await writeFile(workspace.path('journal'), '');
  const service = await startService(env);
  const uploaded = await sftp(service, workspace, [
    `put ${workspace.path('report.csv')} /report.csv`,
    `get /report.csv ${workspace.path('back.csv')}`,
  ]);
  expect(uploaded).toMatchObject({ code: 0 });
  expect(await readFile(workspace.path('back.csv'), 'utf8')).toBe('a,b\n');
  const refused = await sftp(service, workspace, ['mkdir /folder']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/Permission denied/);
  expect(await service.stop()).toMatchObject({ code: 0 });
  expect(await journal()).toEqual(['init function function', 'start', 'write /report.csv', 'close']);
});

test('a path is one from the working directory, and may be a file URL', async () => {
  await writeFile(workspace.path('journal'), '');
  for (const specifier of ['./backend.mjs', pathToFileURL(workspace.path('backend.mjs')).href]) {
    const found = await run(
      process.execPath,
      [new URL('../../dist/main.js', import.meta.url).pathname, 'doctor'],
      {
        cwd: workspace.folder,
        env: { ...env, SLUICE_BACKEND: specifier },
      },
    );
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(found.stdout).toMatch(/^ok {3}backend +reachable$/m);
  }
});

test('sluice doctor asks the backend', async () => {
  const options = JSON.stringify({ journal: workspace.path('journal'), refuses: true });
  const found = await doctor({ SLUICE_BACKEND_OPTIONS: options });
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/^FAIL backend +the journal is full$/m);
});

test.each(['doctor', 'serve'])(
  'sluice %s says what is wrong with a module, and exits with 2',
  async (command) => {
    const wrong = await run(process.execPath, [...COMMAND, command], {
      env: { ...env, SLUICE_BACKEND: 'no-such-backend' },
    });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/^sluice: the module no-such-backend cannot be imported: .*\n$/);
    await writeFile(workspace.path('other.mjs'), 'export const start = 1;');
    const other = await run(process.execPath, [...COMMAND, command], {
      env: { ...env, SLUICE_BACKEND: workspace.path('other.mjs') },
    });
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(
      /^sluice: the module .*other\.mjs has no backend \(it exports start\): export .*\n$/,
    );
  },
);
