import { readFile, writeFile } from 'node:fs/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../support/processes.ts';
import {
  BUCKET,
  COMMAND,
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';
import { startStrictSts, TEST_ROLE } from '../support/strict-sts.ts';

const OWN = 'of-acme';

let around: Surroundings;

beforeAll(async () => {
  around = await createSurroundings();
  const client = new S3Client(around.s3.clientConfig);
  await client.send(new CreateBucketCommand({ Bucket: OWN }));
  client.destroy();
  const { usersFile } = around.workspace;
  const { users } = JSON.parse(await readFile(usersFile, 'utf8'));
  await writeFile(usersFile, JSON.stringify({ users: [{ ...users[0], bucket: OWN }] }));
  await writeFile(around.workspace.path('note'), 'note');
});
afterAll(async () => {
  await around?.close();
});

describe.each(['acknowledged', 'every-object'])(
  'a user with a bucket, where SLUICE_JOBS=%s',
  (SLUICE_JOBS) => {
    let service: Service;

    beforeAll(async () => {
      service = await startService({ ...around.env, SLUICE_JOBS });
    });
    afterEach(() => around.sqs.clearFaults());
    afterAll(async () => {
      await service?.stop();
    });

    const put = async (path: string) => {
      const { code, stderr } = await sftp(service, around.workspace, [
        `put ${around.workspace.path('note')} ${path}`,
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    };

    test('has files there, and jobs that name it', async () => {
      await put(`/${SLUICE_JOBS}-a`);
      const key = `tenants/acme/${SLUICE_JOBS}-a`;
      const job = await around.job(`/${SLUICE_JOBS}-a`);
      expect(job).toMatchObject({ subject: `${OWN}/${key}`, data: { bucket: OWN, key, size: 4 } });
      expect([...around.s3.objects(OWN).keys()]).toContain(key);
      expect([...around.s3.objects(BUCKET).keys()].filter((name) => !name.startsWith('.sluice/'))).toEqual(
        [],
      );
    });

    test('has jobs that wait in the bucket of the service, and come when the queue does', async () => {
      const fault = around.sqs.fault({ respond: { status: 503 } });
      const path = `/${SLUICE_JOBS}-b`;
      await put(path);
      const records = [...around.s3.objects(BUCKET).values()].filter(({ key }) =>
        key.startsWith('.sluice/outbox/'),
      );
      expect(records.map(({ body }) => JSON.parse(String(body)).event.data)).toMatchObject([
        { bucket: OWN, path },
      ]);
      expect([...around.s3.objects(OWN).keys()].filter((name) => name.startsWith('.sluice/'))).toEqual([]);
      fault.release();
      expect((await around.job(path)).data).toMatchObject({ bucket: OWN, key: `tenants/acme${path}` });
    });
  },
);

test('a bucket on a backend that has none: nothing is allowed, and the log says why', async () => {
  const service = await startService({ ...around.env, SLUICE_BACKEND: 'memory', SLUICE_BUCKET: '' });
  const note = around.workspace.path('note');
  const { code, stderr } = await sftp(service, around.workspace, [`put ${note} /a`]);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/denied/i) });
  expect(
    service.logged('a user has a bucket, and only the s3 backend has buckets: nothing is allowed'),
  ).toMatchObject([{ username: 'acme', bucket: OWN }]);
  await service.stop();
});

describe('sluice doctor', () => {
  const doctor = (env: Record<string, string>) =>
    run(process.execPath, [...COMMAND, 'doctor'], {
      env: { ...around.env, SLUICE_ASSUME_ROLE_ARN: TEST_ROLE, ...env },
    });

  test('tries the role', async () => {
    const sts = await startStrictSts({ accessKeyId: 'test' });
    const { code, stdout } = await doctor({ AWS_ENDPOINT_URL_STS: sts.endpoint });
    expect(stdout).toMatch(/^ok {3}role {11}reachable$/m);
    expect(code).toBe(0);
    await sts.close();
  });

  test('says what is to be done where the role cannot be assumed, and the server does not start', async () => {
    const sts = await startStrictSts({ accessKeyId: 'somebody-else' });
    const env = { AWS_ENDPOINT_URL_STS: sts.endpoint };
    const { code, stdout } = await doctor(env);
    expect(stdout).toMatch(
      /^FAIL role .*sluice-tenants cannot be assumed .*need sts:AssumeRole.*trust policy/m,
    );
    expect(code).toBe(1);
    const served = await run(process.execPath, [...COMMAND, 'serve'], {
      env: { ...around.env, SLUICE_ASSUME_ROLE_ARN: TEST_ROLE, ...env },
    });
    expect(served).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be assumed') });
    await sts.close();
  });
});
