import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { expectJobs } from '../support/expect-jobs.ts';
import { remote, scp, sftp } from '../support/service.ts';
import { shareService } from '../support/shared-service.ts';

const MiB = 1024 * 1024;

const site = shareService();

/** `sftp -b`, and then a marker. */
async function transfer(commands: readonly string[], marker: string): Promise<void> {
  await writeFile(site.local('marker'), 'x');
  const all = [...commands, `put ${site.local('marker')} ${marker}`];
  expect(await sftp(site.service, site.around.workspace, all)).toMatchObject({ code: 0 });
}

const jobOf = (path: string, bytes: Buffer) => ({ path, size: bytes.length, crc32: crc32(bytes) });

test.each([0, 4096, 12 * MiB])('put, put -p and put again of %d bytes: one job each', async (size) => {
  const [bytes, newer] = [await site.localFile('a', size), await site.localFile('b', size)];
  const to = `/put-${size}-`;
  const [a, b] = [site.local('a'), site.local('b')];
  await transfer([`put ${a} ${to}1`, `put -p ${a} ${to}2`, `put ${b} ${to}1`], `/marker-put-${size}`);
  await expectJobs(site.around, `/marker-put-${size}`, {
    below: to,
    jobs: [jobOf(`${to}1`, bytes), jobOf(`${to}2`, bytes), jobOf(`${to}1`, newer)],
  });
});

test('put to a temporary name and rename, as scripts do: one job, of the final name; set aside again: none', async () => {
  const bytes = await site.localFile('script', 300_000);
  await transfer(
    [
      `put ${site.local('script')} /script/data.csv.tmp`,
      'rename /script/data.csv.tmp /script/data.csv',
      'rename /script/data.csv /script/done.csv',
    ],
    '/marker-script',
  );
  await expectJobs(site.around, '/marker-script', {
    below: '/script',
    jobs: [jobOf('/script/data.csv', bytes)],
  });
  expect(site.stored('script/done.csv')?.equals(bytes)).toBe(true);
});

test('put -r of a folder: one job for each file', async () => {
  await mkdir(site.local('folder'));
  const bytes = randomBytes(1000);
  for (const name of ['a', 'b', 'c']) await writeFile(site.local(`folder/${name}`), bytes);
  await transfer([`put -r ${site.local('folder')} /folder`], '/marker-folder');
  await site.around.job('/marker-folder');
  const below = site.around.jobs.filter(({ data }) => data.path.startsWith('/folder'));
  expect(below.map(({ data }) => data.path).sort()).toEqual(['/folder/a', '/folder/b', '/folder/c']);
});

test('scp, and scp again over the file: one job each', async () => {
  const [first, second] = [await site.localFile('scp-1', 9 * MiB), await site.localFile('scp-2', 5000)];
  for (const name of ['scp-1', 'scp-2']) {
    const done = await scp(site.service, site.around.workspace, [site.local(name), remote('/scp.bin')]);
    expect(done).toMatchObject({ code: 0 });
  }
  await transfer([], '/marker-scp');
  const jobs = [jobOf('/scp.bin', first), jobOf('/scp.bin', second)];
  await expectJobs(site.around, '/marker-scp', { below: '/scp', jobs });
});

test('reput goes on with what is there: one job, of the whole', async () => {
  const bytes = await site.localFile('reput', 7 * MiB);
  await writeFile(site.local('begun'), bytes.subarray(0, 2 * MiB));
  await transfer(
    [`put ${site.local('begun')} /reput.part`, `reput ${site.local('reput')} /reput.part`],
    '/marker-1',
  );
  await expectJobs(site.around, '/marker-1', { below: '/reput', jobs: [] });
  await transfer(['rename /reput.part /reput'], '/marker-2');
  await expectJobs(site.around, '/marker-2', { below: '/reput', jobs: [jobOf('/reput', bytes)] });
});
