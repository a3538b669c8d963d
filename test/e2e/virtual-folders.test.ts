import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BUCKET,
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

const FOLDERS = [
  { path: '/in', session: { prefix: 'tenants/acme/inbox/' }, permissions: ['write'] },
  { path: '/out', session: { prefix: 'shared/reports/' }, permissions: ['list', 'read'] },
  { path: '/reports/2026', target: '/years/2026' },
  { path: '/reports/old', target: '/years/old' },
];

/** Gives the user of the workspace these fields. */
async function describeUser({ workspace }: Surroundings, fields: object): Promise<void> {
  const { users } = JSON.parse(await readFile(workspace.usersFile, 'utf8'));
  const [user] = users;
  await writeFile(workspace.usersFile, JSON.stringify({ users: [{ ...user, ...fields }] }));
}

let around: Surroundings;
let service: Service;

beforeAll(async () => {
  around = await createSurroundings();
  await describeUser(around, { folders: FOLDERS, home: '/in' });
  service = await startService({
    ...around.env,
    SLUICE_FAILURE_QUEUE_URL: around.env['SLUICE_QUEUE_URL'] ?? '',
  });
  await writeFile(local('data'), 'the data');
  await writeFile(local('other'), 'other data, and more');
});
afterAll(async () => {
  await service?.stop();
  await around?.close();
});

const local = (name: string) => around.workspace.path(name);
const commands = (...lines: string[]) => sftp(service, around.workspace, lines);
const keys = () => [...around.s3.objects(BUCKET).keys()].sort();
const content = (key: string) => around.s3.objects(BUCKET).get(key)?.body.toString();
/** What `sftp` says, without the commands that it repeats. */
const said = (output: string) =>
  output.split('\n').filter((line) => line !== '' && !line.startsWith('sftp>'));

describe('a user with folders', () => {
  test('begins at home, and sees the folders where nothing is yet', async () => {
    const { code, stdout, stderr } = await commands(
      'pwd',
      'ls -1 /',
      'ls -1 /reports',
      'ls -1 /out',
      'cd ..',
      'pwd',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(said(stdout)).toEqual([
      'Remote working directory: /in',
      '/in',
      '/out',
      '/reports',
      '/reports/2026',
      '/reports/old',
      'Remote working directory: /',
    ]);
    expect(keys()).toEqual([]);
  });

  test('has a drop box: what is put there can be neither seen nor taken out nor removed', async () => {
    expect(await commands(`put ${local('data')} report.csv`)).toMatchObject({ code: 0, stderr: '' });
    expect(content('tenants/acme/inbox/report.csv')).toBe('the data');
    for (const refused of [
      'ls -1 /in',
      `get report.csv ${local('taken')}`,
      'rm report.csv',
      'rename report.csv other.csv',
      'mkdir sub',
    ]) {
      const { code, stderr } = await commands(refused);
      expect({ refused, code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/denied/) });
    }
    const { data, subject } = await around.job('/in/report.csv');
    expect(subject).toBe(`${BUCKET}/tenants/acme/inbox/report.csv`);
    expect(data).toMatchObject({
      key: 'tenants/acme/inbox/report.csv',
      username: 'acme',
      session: { prefix: 'tenants/acme/inbox/' },
    });
    const [line] = service.logged('upload finished');
    expect(line).toMatchObject({ path: '/in/report.csv', key: 'tenants/acme/inbox/report.csv' });
  });

  test('reads where only that is allowed, and leaves nothing there', async () => {
    around.s3.seed(BUCKET, 'shared/reports/march.csv', Buffer.from('figures'));
    expect(await commands(`get /out/march.csv ${local('march.csv')}`, 'ls -1 /out')).toMatchObject({
      code: 0,
    });
    expect(await readFile(local('march.csv'), 'utf8')).toBe('figures');
    for (const refused of [`put ${local('data')} /out/march.csv`, 'rm /out/march.csv', 'mkdir /out/sub']) {
      expect(await commands(refused)).toMatchObject({ code: 1, stderr: expect.stringMatching(/denied/) });
    }
    expect(content('shared/reports/march.csv')).toBe('figures');
    const { data } = await around.event('sluice.upload.failed.v1', '/out/march.csv');
    expect(data).toMatchObject({
      outcome: 'refused',
      key: 'shared/reports/march.csv',
      session: { prefix: 'shared/reports/' },
      error: { code: 'EACCES' },
    });
  });

  test('moves and copies files between folders of one store, and from another store copies them', async () => {
    const { code, stderr } = await commands(
      `put ${local('other')} /reports/2026/a.part`,
      'rename /reports/2026/a.part /reports/old/a',
      'cp /reports/old/a /reports/2026/copy',
      'cp /out/march.csv /reports/2026/march.csv',
      'cp /out/march.csv /in/march.csv',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(content('tenants/acme/years/old/a')).toBe('other data, and more');
    expect(content('tenants/acme/years/2026/copy')).toBe('other data, and more');
    expect(content('tenants/acme/years/2026/march.csv')).toBe('figures');
    expect(content('tenants/acme/inbox/march.csv')).toBe('figures');
    expect((await around.job('/reports/old/a')).data.key).toBe('tenants/acme/years/old/a');
    const across = await commands('rename /reports/old/a /in/a');
    expect(across).toMatchObject({ code: 1, stderr: expect.stringContaining('Failure') });
    expect(content('tenants/acme/years/old/a')).toBe('other data, and more');
  });

  test('changes nothing of the folders themselves, nor beside them', async () => {
    const before = keys();
    for (const refused of [
      'rmdir /out',
      'rmdir /reports',
      'rename /reports /done',
      'rename /reports/old /reports/older',
      'mkdir /new',
      `put ${local('data')} /new`,
      `put ${local('data')} /reports/new`,
      `put ${local('data')} /../out/../new`,
    ]) {
      expect({ refused, ...(await commands(refused)) }).toMatchObject({ code: 1 });
    }
    expect(keys()).toEqual(before);
  });
});
