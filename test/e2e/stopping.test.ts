import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Ssh2Client } from '../clients/ssh2-client.ts';
import { startEcsAgent } from '../support/ecs-agent.ts';
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
import { UPLOAD } from '../support/sftp-packets.ts';
import { USERNAME } from '../support/workspace.ts';

const MiB = 1024 * 1024;

let around: Surroundings;

beforeAll(async () => {
  around = await createSurroundings();
  await writeFile(local('large'), randomBytes(24 * MiB));
  await writeFile(local('small'), 'small');
});
afterEach(() => {
  around.s3.clearFaults();
});
afterAll(async () => {
  await around?.close();
});

const local = (name: string) => around.workspace.path(name);
const stored = (path: string) => around.s3.objects(BUCKET).get(PREFIX + path)?.body;
const isDraining = ({ msg }: Record<string, unknown>) => msg === 'draining: uploads in progress may finish';

/** What a load balancer hears. */
const status = async ({ healthPort }: Service, path: string) =>
  (await fetch(`http://127.0.0.1:${healthPort}${path}`)).status;

test('SIGTERM cuts off what is left when the drain is over, and leaves no multipart upload behind', async () => {
  const other = await startService({ ...around.env, SLUICE_DRAIN_SECONDS: '0' });
  const arrived = around.s3.waitFor(
    ({ operation, key, status }) => operation === 'UploadPart' && key === `${PREFIX}cut` && status === 200,
  );
  const uploading = sftp(other, around.workspace, [`put ${local('large')} /cut`], ['-l', '40000']);
  await arrived;
  other.running.kill('SIGTERM');
  expect((await uploading).code).not.toBe(0);
  expect(await other.running.exited).toMatchObject({ code: 0 });
  expect(around.s3.openUploads(BUCKET)).toEqual([]);
  expect(stored('cut')).toBeUndefined();
});

test('SIGTERM waits for an upload that is being finished for a client that has gone', async () => {
  const other = await startService(around.env);
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}gone`, hang: 'request' });
  await writeFile(local('gone.batch'), `put ${local('small')} /gone\n`);
  const options = [...sshOptions(around.workspace), '-P', String(other.port)];
  const client = new Running('sftp', [...options, '-b', local('gone.batch'), `${USERNAME}@127.0.0.1`], {
    ownGroup: true,
  });
  await hold.reached();
  client.killGroup('SIGKILL');
  await other.log(({ msg }) => msg === 'disconnected');
  other.running.kill('SIGTERM');
  await other.log(isDraining);
  hold.release();
  expect(await other.running.exited).toMatchObject({ code: 0 });
  await around.job('/gone');
  expect(stored('gone')?.toString()).toBe('small');
});

test('SIGTERM lets an upload in progress finish, takes no new connection, and exits with 0', async () => {
  const other = await startService(around.env);
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}draining`, hang: 'request' });
  const uploading = sftp(other, around.workspace, [`put ${local('small')} /draining`]);
  await hold.reached();
  other.running.kill('SIGTERM');
  await other.log(isDraining);
  expect((await sftp(other, around.workspace, ['ls'])).code).not.toBe(0);
  hold.release();
  await uploading;
  await around.job('/draining');
  expect(stored('draining')?.toString()).toBe('small');
  expect(await other.running.exited).toMatchObject({ code: 0, signal: null });
});

test('from SIGTERM on the server is alive and not ready, and a second one ends it at once', async () => {
  const other = await startService(around.env);
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}held`, hang: 'request' });
  const uploading = sftp(other, around.workspace, [`put ${local('small')} /held`]);
  await hold.reached();
  expect([await status(other, '/livez'), await status(other, '/readyz')]).toEqual([200, 200]);
  other.running.kill('SIGTERM');
  await other.log(({ signal }) => signal === 'SIGTERM');
  expect([await status(other, '/livez'), await status(other, '/readyz')]).toEqual([200, 503]);
  // One that comes within half a second is taken for the same, which npm has passed on.
  const askAgain = () => {
    other.running.kill('SIGTERM');
    return other.running.child.exitCode;
  };
  await expect.poll(askAgain, { timeout: 10_000 }).toBe(130);
  hold.release();
  expect((await uploading).code).not.toBe(0);
});

test('SIGTERM refuses who comes then, and sends those away at once who ask for nothing', async () => {
  const other = await startService(around.env);
  const idle = await Ssh2Client.connect(other.port, around.workspace);
  const stranger = connect(other.port, '127.0.0.1');
  // Its first bytes are the identification of the server (RFC 4253, section 4.2): it has been accepted.
  await once(stranger, 'data');
  const sentAway = Promise.all([once(stranger, 'close'), once(idle.sftp, 'close')]);
  expect(await other.stop()).toMatchObject({ code: 0 });
  await sentAway;
  const late = connect(other.port, '127.0.0.1');
  expect(await once(late, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
});

test('SIGTERM between two files of `put -r`: the first is kept, the second refused, and sftp says so', async () => {
  const other = await startService(around.env);
  await mkdir(local('folder'));
  for (const name of ['one', 'two']) await writeFile(local(`folder/${name}`), name);
  // Whichever comes first, and that alone.
  const hold = around.s3.fault({
    operation: 'PutObject',
    key: /folder\/(one|two)$/,
    nth: 1,
    hang: 'request',
  });
  const uploading = sftp(other, around.workspace, ['mkdir folder', `put -r ${local('folder')}/* folder`]);
  await hold.reached();
  other.running.kill('SIGTERM');
  await other.log(isDraining);
  hold.release();
  const { code, stderr } = await uploading;
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/two|closed/);
  expect(await other.running.exited).toMatchObject({ code: 0 });
  expect((await around.job('/folder/one')).data.size).toBe(3);
  expect(stored('folder/one')?.toString()).toBe('one');
  expect(stored('folder/two')).toBeUndefined();
});

test('SIGTERM lets an upload under a temporary name finish with its rename, and gives it its job', async () => {
  const other = await startService(around.env);
  const client = await Ssh2Client.connect(other.port, around.workspace);
  const handle = await client.open('/renamed.filepart', UPLOAD);
  other.running.kill('SIGTERM');
  await other.log(isDraining);
  await client.write(handle, 0, Buffer.from('whole'));
  await client.close(handle);
  await new Promise<void>((resolve, reject) =>
    client.sftp.rename('/renamed.filepart', '/renamed', (error) => (error ? reject(error) : resolve())),
  );
  expect(await other.running.exited).toMatchObject({ code: 0 });
  await around.job('/renamed');
  expect(stored('renamed')?.toString()).toBe('whole');
});

test('on ECS an upload that lasts has its task spared from deployments', async () => {
  const agent = await startEcsAgent();
  onTestFinished(() => agent.close());
  const other = await startService({ ...around.env, ECS_AGENT_URI: agent.uri });
  onTestFinished(async () => void (await other.stop()));
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}lasts`, hang: 'request' });
  const uploading = sftp(other, around.workspace, [`put ${local('small')} /lasts`]);
  await hold.reached();
  await agent.asked(1);
  hold.release();
  expect(await uploading).toMatchObject({ code: 0 });
  expect(agent.requests).toMatchObject([
    { method: 'PUT', body: { ProtectionEnabled: true, ExpiresInMinutes: 10 } },
  ]);
});
