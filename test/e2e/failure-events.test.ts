import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createFailureQueue, type FailureQueue } from '../support/failure-queue.ts';
import { Running } from '../support/processes.ts';
import {
  BUCKET,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  sftp,
  sshOptions,
  startService,
} from '../support/service.ts';
import { USERNAME } from '../support/workspace.ts';

const MiB = 1024 * 1024;
const SEND = { target: /SendMessage/ };

let around: Surroundings;
let failures: FailureQueue;
let service: Service;
let markers = 0;

beforeAll(async () => {
  around = await createSurroundings();
  failures = await createFailureQueue(around);
  service = await startService(env());
  await writeFile(local('large'), randomBytes(24 * MiB));
  await writeFile(local('small'), 'small');
});
afterEach(() => {
  around.s3.clearFaults();
  around.sqs.clearFaults();
});
afterAll(async () => {
  await service?.stop();
  await failures?.close();
  await around?.close();
});

const env = () => ({ ...around.env, SLUICE_FAILURE_QUEUE_URL: failures.queueUrl });
const local = (name: string) => around.workspace.path(name);
const put = (file: string, path: string, to = service) =>
  sftp(to, around.workspace, [`put ${local(file)} ${path}`]);
const DENIED = { respond: { status: 403, code: 'AccessDenied' } };

/** An upload that fails at its CLOSE. */
async function putDenied(path: string): Promise<void> {
  const fault = around.s3.fault({ operation: 'PutObject', key: PREFIX + path.slice(1), ...DENIED });
  expect((await put('small', path)).code).not.toBe(0);
  fault.release();
}

/** Its one event, none other than this having come by the time of a later one; and no job. */
async function theOnlyEvent(path: string) {
  const event = await failures.event(path);
  const marker = `/marker-${++markers}`;
  await putDenied(marker);
  await failures.event(marker);
  expect(await put('small', `/after-${markers}`)).toMatchObject({ code: 0 });
  await around.job(`/after-${markers}`);
  expect(failures.events.filter(({ data }) => data.path === path)).toEqual([event]);
  expect(around.jobs.map(({ data }) => data.path)).not.toContain(path);
  return event;
}

test('an upload without the permission to write is refused, and reported', async () => {
  const users = JSON.parse(await readFile(around.workspace.usersFile, 'utf8'));
  users.users[0].permissions = ['list', 'read'];
  await writeFile(local('readers.json'), JSON.stringify(users));
  const other = await startService({ ...env(), SLUICE_USERS_FILE: local('readers.json') });
  expect((await put('small', '/refused', other)).stderr).toMatch(/denied/i);
  expect(await theOnlyEvent('/refused')).toMatchObject({
    type: 'sluice.upload.failed.v1',
    source: '/sluice/sluice',
    subject: `${BUCKET}/${PREFIX}refused`,
    data: {
      bucket: BUCKET,
      key: `${PREFIX}refused`,
      path: '/refused',
      username: USERNAME,
      clientAddress: '127.0.0.1',
      outcome: 'refused',
      error: { code: 'EACCES' },
      bytes: 0,
    },
  });
  expect(await other.stop()).toMatchObject({ code: 0 });
});

test.each(['/killed', '/killed.filepart'])(
  'a client killed in mid-upload of %s has aborted it',
  async (path) => {
    const arrived = around.s3.waitFor(
      ({ operation, key, status }) =>
        operation === 'UploadPart' && key === PREFIX + path.slice(1) && status === 200,
    );
    await writeFile(local('killed.batch'), `put ${local('large')} ${path}\n`);
    // The first part is stored long before the whole file is sent.
    const options = [...sshOptions(around.workspace), '-l', '40000', '-P', String(service.port)];
    const client = new Running('sftp', [...options, '-b', local('killed.batch'), `${USERNAME}@127.0.0.1`], {
      ownGroup: true,
    });
    await arrived;
    client.killGroup('SIGKILL');
    await client.exited;
    const { data, id } = await theOnlyEvent(path);
    expect(data).toMatchObject({ outcome: 'aborted', error: { code: 'ECONNABORTED' } });
    expect(data.bytes).toBeGreaterThan(5 * MiB);
    const { uploadId } = await service.log((record) => record['uploadId'] === id);
    expect(uploadId).toBe(id);
  },
);

test('an upload whose completion S3 refuses has failed', async () => {
  around.s3.fault({
    operation: 'CompleteMultipartUpload',
    respond: { status: 400, code: 'InvalidPart', message: 'secret of the bucket' },
  });
  expect((await put('large', '/failed')).code).not.toBe(0);
  around.s3.clearFaults();
  const { data } = await theOnlyEvent('/failed');
  expect(data).toMatchObject({ outcome: 'failed', error: { code: 'EIO' }, bytes: 24 * MiB });
  expect(JSON.stringify(data)).not.toContain('secret');
});

test('an upload that succeeds is not reported', async () => {
  expect(await put('small', '/fine')).toMatchObject({ code: 0 });
  await around.job('/fine');
  await putDenied('/not-fine');
  await failures.event('/not-fine');
  expect(failures.events.map(({ data }) => data.path)).not.toContain('/fine');
});

test('a queue that does not answer delays no client, and has the event once it does', async () => {
  const hold = around.sqs.fault({ ...SEND, hang: 'request' });
  await putDenied('/hanging');
  await hold.reached();
  // It has not given up on the queue yet.
  expect(around.sqs.requests.filter(({ target }) => SEND.target.test(target ?? '')).at(-1)).toMatchObject({
    status: undefined,
    aborted: false,
  });
  hold.release();
  expect(await theOnlyEvent('/hanging')).toMatchObject({ data: { outcome: 'failed' } });
});

test('a queue that is down has the event later, from the outbox', async () => {
  around.sqs.fault({ ...SEND, respond: { status: 400, body: '{"__type":"x#Down"}' } });
  const kept = around.s3.waitFor(
    ({ operation, key, status }) =>
      operation === 'PutObject' && key?.startsWith('.sluice/failures/outbox/') === true && status === 200,
  );
  await putDenied('/down');
  await kept;
  around.sqs.clearFaults();
  expect(await failures.event('/down')).toMatchObject({ data: { outcome: 'failed' } });
});

test('what SIGTERM cuts off is reported before the process ends', async () => {
  const other = await startService({ ...env(), SLUICE_DRAIN_SECONDS: '0' });
  const arrived = around.s3.waitFor(
    ({ operation, key, status }) => operation === 'UploadPart' && key === `${PREFIX}cut` && status === 200,
  );
  const uploading = sftp(other, around.workspace, [`put ${local('large')} /cut`], ['-l', '40000']);
  await arrived;
  other.running.kill('SIGTERM');
  expect((await uploading).code).not.toBe(0);
  expect(await other.running.exited).toMatchObject({ code: 0 });
  expect(await failures.event('/cut')).toMatchObject({ data: { outcome: 'aborted' } });
});
