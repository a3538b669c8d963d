import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BUCKET,
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

let around: Surroundings;
let service: Service;

const local = (name: string) => around.workspace.path(name);
const run = (...commands: string[]) => sftp(service, around.workspace, commands);

/** A service with these variables, for all tests of a group. */
function serveWith(env: Readonly<Record<string, string>>): void {
  beforeAll(async () => {
    around = await createSurroundings();
    service = await startService({ ...around.env, ...env });
    await writeFile(local('data'), 'the data');
  });
  afterAll(async () => {
    await service?.stop();
    await around?.close();
  });
}

describe('SLUICE_JOBS=every-object', () => {
  serveWith({ SLUICE_JOBS: 'every-object' });

  test('notes the job down, makes the object, and removes the note once the job is sent', async () => {
    expect(await run(`put ${local('data')} /a`)).toMatchObject({ code: 0 });
    await around.s3.waitFor(({ operation, status }) => operation === 'DeleteObject' && status === 204);
    const changes = around.s3.requests
      .filter(({ key = '' }) => key.endsWith('/a') || key.includes('/outbox/'))
      .filter(({ method }) => method !== 'HEAD')
      .map(({ operation, key = '' }) => `${operation} ${key.replace(/[^/]*\.json$/, '*')}`);
    expect(changes).toEqual([
      'PutObject .sluice/outbox/*',
      'PutObject tenants/acme/a',
      'DeleteObject .sluice/outbox/*',
    ]);
    const { id, data } = await around.job('/a');
    expect(around.s3.objects(BUCKET).get(data.key)?.metadata['sluice-upload-id']).toBe(id);
  });

  test('an upload that fails leaves no note', async () => {
    const respond = { status: 403, code: 'AccessDenied' };
    around.s3.fault({ operation: 'PutObject', key: 'tenants/acme/no', respond });
    expect((await run(`put ${local('data')} /no`)).code).not.toBe(0);
    around.s3.clearFaults();
    expect([...around.s3.objects(BUCKET).keys()].filter((key) => key.includes('/outbox/'))).toEqual([]);
  });

  test('an upload whose job cannot be noted down fails, and makes no object', async () => {
    const respond = { status: 403, code: 'AccessDenied' };
    around.s3.fault({ operation: 'PutObject', key: /outbox/, respond });
    expect((await run(`put ${local('data')} /unnoted`)).code).not.toBe(0);
    around.s3.clearFaults();
    expect(around.s3.objects(BUCKET).has('tenants/acme/unnoted')).toBe(false);
  });
});

describe('SLUICE_SIDECAR=sha256', () => {
  serveWith({ SLUICE_SIDECAR: 'sha256' });

  test('a file that was cut off has no job, the sum of the whole one is refused; sent again it has', async () => {
    const whole = Buffer.alloc(6 * 1024 * 1024, 'abc');
    const sum = createHash('sha256').update(whole).digest('hex');
    await writeFile(local('whole'), whole);
    await writeFile(local('cut'), whole.subarray(0, 5_500_000));
    await writeFile(local('sum'), `${sum}  report\n`);
    expect(await run(`put ${local('cut')} /report`)).toMatchObject({ code: 0 });
    const refused = await run(`put ${local('sum')} /report.sha256`);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/Failure/);
    expect(around.jobs).toEqual([]);
    expect(await run(`put ${local('whole')} /report`)).toMatchObject({ code: 0 });
    expect((await around.job('/report')).data.size).toBe(whole.length);
    const warned = service.logged('upload failed').at(-1);
    expect(warned).toMatchObject({
      path: '/report.sha256',
      err: { message: expect.stringContaining('SHA-256') },
    });
  });
});

describe('SLUICE_RENAME_EVENTS=on', () => {
  serveWith({ SLUICE_RENAME_EVENTS: 'on', SLUICE_TEMP_PATTERNS: '*.loading' });

  test("a rename of a file that had its job is told; one that delivers is a job, by patterns of one's own", async () => {
    const done = await run(
      `put ${local('data')} /one.loading`,
      'rename /one.loading /one.tmp',
      'rename /one.tmp /two',
      `put ${local('data')} /marker`,
    );
    expect(done).toMatchObject({ code: 0 });
    const { id, data } = await around.event('sluice.upload.renamed.v1', '/two');
    expect(data).toMatchObject({ previousPath: '/one.tmp', size: 8, key: 'tenants/acme/two' });
    const job = await around.job('/one.tmp');
    expect(job.id).not.toBe(id);
    expect(job.data.checksum).toEqual(data.checksum);
    await around.job('/marker');
    expect(around.jobs.map(({ data: { path } }) => path)).toEqual(['/one.tmp', '/marker']);
  });
});
