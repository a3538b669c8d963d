import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { BUCKET } from '../support/service.ts';
import { shareService } from '../support/shared-service.ts';

/** A service with these variables, and a file for it. */
function serveWith(env: Readonly<Record<string, string>>) {
  const site = shareService(env);
  beforeAll(() => writeFile(site.local('data'), 'the data'));
  return site;
}

describe('SLUICE_JOBS=every-object', () => {
  const site = serveWith({ SLUICE_JOBS: 'every-object' });

  test('notes the job down, makes the object, and removes the note once the job is sent', async () => {
    expect(await site.run(`put ${site.local('data')} /a`)).toMatchObject({ code: 0 });
    await site.around.s3.waitFor(({ operation, status }) => operation === 'DeleteObject' && status === 204);
    const changes = site.around.s3.requests
      .filter(({ key = '' }) => key.endsWith('/a') || key.includes('/outbox/'))
      .filter(({ method }) => method !== 'HEAD')
      .map(({ operation, key = '' }) => `${operation} ${key.replace(/[^/]*\.json$/, '*')}`);
    expect(changes).toEqual([
      'PutObject .sluice/outbox/*',
      'PutObject tenants/acme/a',
      'DeleteObject .sluice/outbox/*',
    ]);
    const { id, data } = await site.around.job('/a');
    expect(site.around.s3.objects(BUCKET).get(data.key)?.metadata['sluice-upload-id']).toBe(id);
  });

  test('an upload that fails leaves no note', async () => {
    const respond = { status: 403, code: 'AccessDenied' };
    site.around.s3.fault({ operation: 'PutObject', key: 'tenants/acme/no', respond });
    expect((await site.run(`put ${site.local('data')} /no`)).code).not.toBe(0);
    site.around.s3.clearFaults();
    expect([...site.around.s3.objects(BUCKET).keys()].filter((key) => key.includes('/outbox/'))).toEqual([]);
  });

  test('an upload whose job cannot be noted down fails, and makes no object', async () => {
    const respond = { status: 403, code: 'AccessDenied' };
    site.around.s3.fault({ operation: 'PutObject', key: /outbox/, respond });
    expect((await site.run(`put ${site.local('data')} /unnoted`)).code).not.toBe(0);
    site.around.s3.clearFaults();
    expect(site.around.s3.objects(BUCKET).has('tenants/acme/unnoted')).toBe(false);
  });
});

describe('SLUICE_SIDECAR=sha256', () => {
  const site = serveWith({ SLUICE_SIDECAR: 'sha256' });

  test('a file that was cut off has no job, the sum of the whole one is refused; both sent again it has', async () => {
    const whole = Buffer.alloc(6 * 1024 * 1024, 'abc');
    const sum = createHash('sha256').update(whole).digest('hex');
    await writeFile(site.local('whole'), whole);
    await writeFile(site.local('cut'), whole.subarray(0, 5_500_000));
    await writeFile(site.local('sum'), `${sum}  report\n`);
    expect(await site.run(`put ${site.local('cut')} /report`)).toMatchObject({ code: 0 });
    const refused = await site.run(`put ${site.local('sum')} /report.sha256`);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/Failure/);
    expect(site.around.jobs).toEqual([]);
    expect(site.stored('report.sha256')).toBeUndefined();
    const again = [`put ${site.local('whole')} /report`, `put ${site.local('sum')} /report.sha256`];
    expect(await site.run(...again)).toMatchObject({ code: 0 });
    expect((await site.around.job('/report')).data.size).toBe(whole.length);
    const warned = site.service.logged('upload failed').at(-1);
    expect(warned).toMatchObject({
      path: '/report.sha256',
      err: { message: expect.stringContaining('SHA-256') },
    });
  });
});

describe('SLUICE_RENAME_EVENTS=on', () => {
  const site = serveWith({ SLUICE_RENAME_EVENTS: 'on', SLUICE_TEMP_PATTERNS: '*.loading' });

  test("a rename of a file that had its job is told; one that delivers is a job, by patterns of one's own", async () => {
    const done = await site.run(
      `put ${site.local('data')} /one.loading`,
      'rename /one.loading /one.tmp',
      'rename /one.tmp /two',
      `put ${site.local('data')} /marker`,
    );
    expect(done).toMatchObject({ code: 0 });
    const { id, data } = await site.around.event('sluice.upload.renamed.v1', '/two');
    expect(data).toMatchObject({ previousPath: '/one.tmp', size: 8, key: 'tenants/acme/two' });
    const job = await site.around.job('/one.tmp');
    expect(job.id).not.toBe(id);
    expect(job.data.checksum).toEqual(data.checksum);
    await site.around.job('/marker');
    expect(site.around.jobs.map(({ data: { path } }) => path)).toEqual(['/one.tmp', '/marker']);
  });
});
