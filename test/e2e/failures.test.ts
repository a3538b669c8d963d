import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
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
const OLDER = Buffer.from('the older file');

let around: Surroundings;
let service: Service;

beforeAll(async () => {
  around = await createSurroundings();
  service = await startService(around.env);
  await writeFile(local('large'), randomBytes(24 * MiB));
  await writeFile(local('small'), 'small');
});
afterEach(() => {
  around.s3.clearFaults();
  around.sqs.clearFaults();
});
afterAll(async () => {
  await service?.stop();
  await around?.close();
});

const local = (name: string) => around.workspace.path(name);
const stored = (path: string) => around.s3.objects(BUCKET).get(PREFIX + path)?.body;
const put = (file: string, path: string) => sftp(service, around.workspace, [`put ${local(file)} ${path}`]);

/** Nothing new under the name, no multipart upload left, no job; the server takes the next upload. */
async function expectNothing(path: string, older: Buffer | undefined): Promise<void> {
  expect(stored(path)).toEqual(older);
  expect(around.s3.openUploads(BUCKET)).toEqual([]);
  const marker = `/after-${path}`;
  expect(await put('small', marker)).toMatchObject({ code: 0 });
  await around.job(marker);
  expect(around.jobs.map(({ data }) => data.path)).not.toContain(`/${path}`);
}

test.each([
  ['CompleteMultipartUpload is refused', { respond: { status: 400, code: 'InvalidPart' } }],
  ['CompleteMultipartUpload reports an error inside a 200', { errorInside200: { code: 'InternalError' } }],
] as const)('%s: sftp fails and says so, the older file is untouched', async (_what, action) => {
  around.s3.seed(BUCKET, `${PREFIX}refused`, OLDER);
  around.s3.fault({ operation: 'CompleteMultipartUpload', ...action });
  const { code, stderr } = await put('large', '/refused');
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/Failure/);
  around.s3.clearFaults();
  await expectNothing('refused', OLDER);
});

test.each(['PutObject', 'UploadPart', 'CreateMultipartUpload'] as const)(
  '%s is refused: sftp fails, nothing is left',
  async (operation) => {
    const fault = around.s3.fault({ operation, respond: { status: 403, code: 'AccessDenied' } });
    const { code, stderr } = await put(operation === 'PutObject' ? 'small' : 'large', `/no-${operation}`);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/denied|Failure/i);
    expect(fault.hits).toBeGreaterThan(0);
    around.s3.clearFaults();
    await expectNothing(`no-${operation}`, undefined);
  },
);

test('parts that fail twice with 503 are sent again, and the file is right', async () => {
  const fault = around.s3.fault({
    operation: 'UploadPart',
    times: 2,
    respond: { status: 503, code: 'SlowDown' },
  });
  expect(await put('large', '/retried')).toMatchObject({ code: 0 });
  expect(fault.hits).toBe(2);
  expect(stored('retried')?.length).toBe(24 * MiB);
});

test('a completion whose answer is lost is recognised as done', async () => {
  around.s3.fault({ operation: 'CompleteMultipartUpload', times: 1, reset: 'response' });
  expect(await put('large', '/answer-lost')).toMatchObject({ code: 0 });
  expect(stored('answer-lost')?.length).toBe(24 * MiB);
  expect((await around.job('/answer-lost')).data.size).toBe(24 * MiB);
});

const REFUSED = { target: /SendMessage/, respond: { status: 400, body: '{"__type":"x#Y"}' } };
const outbox = () => [...around.s3.objects(BUCKET).keys()].filter((key) => key.startsWith('.sluice/outbox/'));

test('a job that the queue does not take waits in the outbox: sftp succeeds, and the job comes once the queue does', async () => {
  const fault = around.sqs.fault(REFUSED);
  expect(await put('small', '/waits')).toMatchObject({ code: 0 });
  expect(fault.hits).toBeGreaterThan(0);
  expect(outbox()).toHaveLength(1);
  around.sqs.clearFaults();
  await around.job('/waits');
  await around.s3.waitFor(
    ({ operation, key, status }) =>
      operation === 'DeleteObject' && key?.includes('/outbox/') === true && status === 204,
  );
  expect(outbox()).toEqual([]);
  expect(around.jobs.filter(({ data }) => data.path === '/waits')).toHaveLength(1);
});

test('a job that can be kept nowhere is a failed CLOSE: sftp fails and says so', async () => {
  around.sqs.fault(REFUSED);
  around.s3.fault({
    operation: 'PutObject',
    key: /^\.sluice\/outbox\//,
    respond: { status: 403, code: 'AccessDenied' },
  });
  const { code, stderr } = await put('small', '/no-job');
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/Failure|denied/i);
  around.sqs.clearFaults();
  around.s3.clearFaults();
  expect(await put('small', '/no-job')).toMatchObject({ code: 0 });
  await around.job('/no-job');
  expect(around.jobs.filter(({ data }) => data.path === '/no-job')).toHaveLength(1);
});

test('a client killed in mid-upload leaves no object, no job and no multipart upload', async () => {
  around.s3.seed(BUCKET, `${PREFIX}killed`, OLDER);
  const arrived = around.s3.waitFor(
    ({ operation, key, status }) => operation === 'UploadPart' && key === `${PREFIX}killed` && status === 200,
  );
  await writeFile(local('killed.batch'), `put ${local('large')} /killed\n`);
  // 8 Mbit/s: the first part is stored long before the whole file is sent.
  const options = [...sshOptions(around.workspace), '-l', '40000', '-P', String(service.port)];
  const client = new Running('sftp', [...options, '-b', local('killed.batch'), `${USERNAME}@127.0.0.1`], {
    ownGroup: true,
  });
  await arrived;
  const aborted = around.s3.waitFor(({ operation }) => operation === 'AbortMultipartUpload');
  client.killGroup('SIGKILL');
  await client.exited;
  await aborted;
  await service.log(({ msg, path }) => msg === 'upload aborted' && path === '/killed');
  await expectNothing('killed', OLDER);
});

test('a client that goes while its CLOSE is under way still gets its file and job', async () => {
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}closing`, hang: 'request' });
  await writeFile(local('closing.batch'), `put ${local('small')} /closing\n`);
  const options = [...sshOptions(around.workspace), '-P', String(service.port)];
  const client = new Running('sftp', [...options, '-b', local('closing.batch'), `${USERNAME}@127.0.0.1`], {
    ownGroup: true,
  });
  await hold.reached();
  const { sessionId } = service.logged('authenticated').at(-1) ?? {};
  client.killGroup('SIGKILL');
  await client.exited;
  await service.log((record) => record['msg'] === 'disconnected' && record['sessionId'] === sessionId);
  hold.release();
  await around.job('/closing');
  expect(stored('closing')?.toString()).toBe('small');
});

test('a client that sends its end of file while its CLOSE is under way is answered before the channel closes', async () => {
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}eof`, hang: 'request' });
  await writeFile(local('eof.batch'), `put ${local('small')} /eof\n`);
  const options = [...sshOptions(around.workspace), '-P', String(service.port)];
  const client = new Running('sftp', [...options, '-b', local('eof.batch'), `${USERNAME}@127.0.0.1`]);
  await hold.reached();
  // sftp is gone; the ssh that it started passes on the end of its input and waits for the server.
  client.kill('SIGKILL');
  hold.release();
  await client.exited;
  await around.job('/eof');
});
