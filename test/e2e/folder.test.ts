import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../support/processes.ts';
import {
  COMMAND,
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

let around: Surroundings;
let service: Service;
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  around = await createSurroundings();
  folder = around.workspace.path('files');
  await mkdir(folder);
  const { SLUICE_BUCKET: _, ...rest } = around.env;
  env = { ...rest, SLUICE_BACKEND: 'folder', SLUICE_FOLDER: folder };
  service = await startService(env);
});
afterAll(async () => {
  await service?.stop();
  await around?.close();
});

const local = (name: string) => around.workspace.path(name);
const stored = (path: string) => `${folder}/tenants/acme/${path}`;
const commands = (...lines: string[]) => sftp(service, around.workspace, lines);

test('a client works in its folder of the folder, and each upload has its job', async () => {
  const bytes = randomBytes(3_000_000);
  await writeFile(local('report.csv'), bytes, { mode: 0o640 });
  const put = await commands(
    'mkdir in',
    `put -p ${local('report.csv')} in/report.csv`,
    'rename in/report.csv in/renamed.csv',
    `get in/renamed.csv ${local('back.csv')}`,
    'ls -1 in',
    'ls -1a',
  );
  expect(put).toMatchObject({ code: 0, stderr: '' });
  expect(put.stdout).toContain('in/renamed.csv');
  expect(put.stdout).not.toContain('.sluice');
  expect((await readFile(local('back.csv'))).equals(bytes)).toBe(true);
  expect((await readFile(stored('in/renamed.csv'))).equals(bytes)).toBe(true);
  expect((await stat(stored('in/renamed.csv'))).mode & 0o777).toBe(0o640);

  const job = await around.job('/in/report.csv');
  expect(job.subject).toBe(stored('in/report.csv'));
  expect(job.data).toMatchObject({ bucket: folder, key: 'tenants/acme/in/report.csv', size: bytes.length });

  expect(await commands('rm in/renamed.csv', 'rmdir in', 'ls -1')).toMatchObject({ code: 0, stderr: '' });
  expect(await readdir(`${folder}/tenants/acme`)).toEqual([]);
  expect(around.jobs.map(({ data }) => data.path)).toEqual(['/in/report.csv']);
});

test('a file that comes under a temporary name has one job, when it is renamed', async () => {
  await writeFile(local('staged'), 'content');
  const put = await commands(`put ${local('staged')} data.filepart`, 'rename data.filepart data');
  expect(put).toMatchObject({ code: 0, stderr: '' });
  const { data } = await around.job('/data');
  expect(data).toMatchObject({ key: 'tenants/acme/data', size: 7 });
  expect(around.jobs.filter(({ data: { path } }) => path.startsWith('/data'))).toHaveLength(1);
});

test('a job that SQS does not take waits in the folder, and comes when it does', async () => {
  await writeFile(local('late'), 'content');
  const outage = around.sqs.fault({
    target: /SendMessage/,
    respond: { status: 503 },
    times: Number.POSITIVE_INFINITY,
  });
  const put = await commands(`put ${local('late')} late`);
  expect(put).toMatchObject({ code: 0, stderr: '' });
  expect(await readdir(`${folder}/.sluice/outbox`)).toHaveLength(1);
  outage.release();
  expect((await around.job('/late')).data.size).toBe(7);
});

test('an appended file, and one that is cut, are as the client left them', async () => {
  await writeFile(local('one'), 'one ');
  await writeFile(local('more'), 'one and more');
  await commands(`put ${local('one')} grown`);
  expect(await commands(`reput ${local('more')} grown`)).toMatchObject({ code: 0 });
  expect(await readFile(stored('grown'), 'utf8')).toBe('one and more');
});

test('doctor finds the folder, and says what to do where there is none', async () => {
  const doctor = () => run(process.execPath, [...COMMAND, 'doctor'], { env });
  const well = await doctor();
  expect(well.stdout).toMatch(/^ok +folder +reachable$/m);
  expect(well.code).toBe(0);
  env = { ...env, SLUICE_FOLDER: local('missing') };
  await rm(local('missing'), { recursive: true, force: true });
  const missing = await doctor();
  expect(missing.stdout).toMatch(
    /^FAIL +folder +the folder ".*missing" does not exist.*make it \(SLUICE_FOLDER\)$/m,
  );
  expect(missing.code).toBe(1);
});
