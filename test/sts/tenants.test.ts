import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createS3Client } from '../../src/backends/s3/client.ts';
import { outcome } from '../s3/wire.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type Finished, run } from '../support/processes.ts';
import { type Service, sshOptions, startService } from '../support/service.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';
import { type CloudUnderTest, openCloudUnderTest } from './cloud-under-test.ts';
import { type RecordedSession, type SessionRecorder, startSessionRecorder } from './session-recorder.ts';

const LARGE = randomBytes(12 * 1024 * 1024);
const SECRET = 'of globex alone';

let cloud: CloudUnderTest;
let s3: FaultProxy;
let sts: SessionRecorder;
let workspace: Workspace;
let service: Service;
/** The very credentials that acme's upload was made with. */
let acme: RecordedSession;
let asAcme: S3Client;

beforeAll(async () => {
  cloud = await openCloudUnderTest();
  s3 = await startFaultProxy(cloud.s3Endpoint);
  sts = await startSessionRecorder(cloud.stsEndpoint);
  workspace = await createWorkspace();
  await addUsers();
  service = await startService({
    SLUICE_HOST: '127.0.0.1',
    SLUICE_PORT: '0',
    SLUICE_HEALTH_PORT: '0',
    SLUICE_HOST_KEYS_DIR: workspace.hostKeysDir,
    SLUICE_USERS_FILE: workspace.usersFile,
    SLUICE_BUCKET: cloud.bucket,
    SLUICE_PREFIX: 'session:prefix',
    SLUICE_ASSUME_ROLE_ARN: cloud.roleArn,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_STS: sts.endpoint,
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: cloud.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: cloud.credentials.secretAccessKey,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'none',
  });
  await writeFile(workspace.path('secret'), SECRET);
  await writeFile(workspace.path('large'), LARGE);
  await mustRun('globex', `put ${workspace.path('secret')} /secret`);
  await mustRun('acme', `put ${workspace.path('large')} /large`);
  acme = sessionOf('acme');
  const { s3Endpoint: endpoint, region } = cloud;
  asAcme = createS3Client({ endpoint, region, credentials: acme.credentials });
});
afterAll(async () => {
  asAcme?.destroy();
  await service?.stop();
  await s3?.close();
  await sts?.close();
  await workspace?.remove();
  if (cloud === undefined) return;
  for (const Bucket of [cloud.bucket, cloud.otherBucket]) await empty(Bucket);
  await cloud.close();
});

/** Beside acme, with the same key. */
async function addUsers(): Promise<void> {
  const { users } = JSON.parse(await readFile(workspace.usersFile, 'utf8'));
  const [first] = users;
  const more = [
    { ...first, username: 'globex', session: { prefix: 'tenants/globex/' } },
    { ...first, username: 'initech', session: { prefix: 'in/' }, bucket: cloud.otherBucket },
    { ...first, username: 'reader', permissions: ['list', 'read'] },
  ];
  await writeFile(workspace.usersFile, JSON.stringify({ users: [...users, ...more] }));
}

function as(username: string, ...commands: string[]): Promise<Finished> {
  const args = [...sshOptions(workspace), '-P', String(service.port), '-b', '-', `${username}@127.0.0.1`];
  return run('sftp', args, { input: `${commands.join('\n')}\n` });
}

async function mustRun(username: string, ...commands: string[]): Promise<string> {
  const { code, stdout, stderr } = await as(username, ...commands);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

function sessionOf(name: string): RecordedSession {
  const session = sts.sessions.find((recorded) => recorded.name === name);
  if (session === undefined) throw new Error(`no session of ${name}`);
  return session;
}

async function empty(Bucket: string): Promise<void> {
  const { Contents = [] } = await cloud.client.send(new ListObjectsV2Command({ Bucket }));
  for (const { Key } of Contents) await cloud.client.send(new DeleteObjectCommand({ Bucket, Key }));
}

async function textOf(Bucket: string, Key: string): Promise<string | undefined> {
  const { Body } = await cloud.client.send(new GetObjectCommand({ Bucket, Key }));
  return await Body?.transformToString();
}

/** By whose access keys what lies below a prefix was written. */
function writers(prefix: string): Set<string | undefined> {
  const writes = s3.requests.filter(
    ({ method, path }) => method !== 'GET' && method !== 'HEAD' && path.includes(`/${prefix}`),
  );
  return new Set(writes.map(({ headers }) => /Credential=([^/]+)/.exec(headers.authorization ?? '')?.[1]));
}

test('an upload is made with credentials of its user, and with no others', async () => {
  expect(writers('tenants/acme/')).toEqual(new Set([acme.credentials.accessKeyId]));
  expect(writers('tenants/globex/')).toEqual(new Set([sessionOf('globex').credentials.accessKeyId]));
});

describe("the credentials of one tenant's upload", () => {
  const own = 'tenants/acme/by-hand';
  const body = Buffer.from('x');

  test('are good for its own prefix', async () => {
    const Bucket = cloud.bucket;
    await asAcme.send(new PutObjectCommand({ Bucket, Key: own, Body: body }));
    const { Body } = await asAcme.send(new GetObjectCommand({ Bucket, Key: own }));
    expect(await Body?.transformToString()).toBe('x');
    const { Contents = [] } = await asAcme.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'tenants/acme/' }),
    );
    expect(Contents.map(({ Key }) => Key)).toEqual([own, 'tenants/acme/large']);
    await asAcme.send(new DeleteObjectCommand({ Bucket, Key: own }));
  });

  test.each([
    'tenants/globex/secret',
    'tenants/globex/new',
    'tenants/acme-2/file',
    'tenants/file',
    '.sluice/outbox/record',
    '.sluice/staging/of-another/unit',
  ])('are refused for %s: to read, to write, to delete', async (Key) => {
    const at = { Bucket: cloud.bucket, Key };
    await expectRefused(asAcme.send(new GetObjectCommand(at)));
    await expectRefused(asAcme.send(new HeadObjectCommand(at)));
    await expectRefused(asAcme.send(new PutObjectCommand({ ...at, Body: body })));
    await expectRefused(asAcme.send(new DeleteObjectCommand(at)));
    await expectRefused(asAcme.send(new CreateMultipartUploadCommand(at)));
    const stolen = { Bucket: cloud.bucket, Key: 'tenants/acme/stolen', CopySource: `${cloud.bucket}/${Key}` };
    await expectRefused(asAcme.send(new CopyObjectCommand(stolen)));
  });

  test.each([undefined, '', 'tenants/', 'tenants/globex/', 'tenants/acme', '.sluice/'])(
    'are refused for a listing of %j',
    async (Prefix) => {
      const { bucket: Bucket } = cloud;
      await expectRefused(asAcme.send(new ListObjectsV2Command({ Bucket, Prefix })));
      await expectRefused(asAcme.send(new ListMultipartUploadsCommand({ Bucket, Prefix })));
    },
  );

  test("delete nothing of another's among their own", async () => {
    const { bucket: Bucket } = cloud;
    const Objects = [{ Key: 'tenants/acme/nothing' }, { Key: 'tenants/globex/secret' }];
    const { Errors = [] } = await asAcme.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Errors.map(({ Key, Code }) => [Key, Code])).toEqual([['tenants/globex/secret', 'AccessDenied']]);
    expect(await textOf(Bucket, 'tenants/globex/secret')).toBe(SECRET);
  });

  test("end no upload of another's", async () => {
    const at = { Bucket: cloud.bucket, Key: 'tenants/globex/in-progress' };
    const { UploadId } = await cloud.client.send(new CreateMultipartUploadCommand(at));
    await expectRefused(asAcme.send(new AbortMultipartUploadCommand({ ...at, UploadId })));
    await cloud.client.send(new AbortMultipartUploadCommand({ ...at, UploadId }));
  });

  test('are refused for another bucket', async () => {
    const at = { Bucket: cloud.otherBucket, Key: 'tenants/acme/file' };
    await expectRefused(asAcme.send(new PutObjectCommand({ ...at, Body: body })));
    await expectRefused(
      asAcme.send(new ListObjectsV2Command({ Bucket: cloud.otherBucket, Prefix: 'tenants/acme/' })),
    );
  });
});

async function expectRefused(request: Promise<unknown>): Promise<void> {
  // An answer to HEAD has no code.
  expect(await outcome(request)).toMatch(/^403 (AccessDenied|403|Forbidden|Unknown\w*)$/);
}

test('everything that SFTP does works with them', async () => {
  await writeFile(workspace.path('small'), 'small');
  const small = workspace.path('small');
  const listing = await mustRun(
    'acme',
    'mkdir /dir',
    `put -p ${small} /dir/a`,
    'rename /dir/a /dir/b',
    'rename /dir /moved',
    `get /moved/b ${workspace.path('back')}`,
    'ls -1 /moved',
    'rm /moved/b',
    'rmdir /moved',
    `put -p ${workspace.path('large')} /again`,
    `get /again ${workspace.path('again')}`,
    'rm /again',
  );
  expect(listing).toContain('/moved/b');
  expect(await readFile(workspace.path('back'), 'utf8')).toBe('small');
  expect((await readFile(workspace.path('again'))).equals(LARGE)).toBe(true);
});

test('who may only read has credentials to read', async () => {
  await mustRun('reader', `get /large ${workspace.path('read')}`);
  const { policy } = sessionOf('reader');
  expect(policy).toContain('s3:GetObject');
  expect(policy).not.toMatch(/PutObject|DeleteObject|AbortMultipartUpload/);
  const { code } = await as('reader', `put ${workspace.path('large')} /more`);
  expect(code).toBe(1);
});

test('who has a bucket has files there, and credentials for that bucket alone', async () => {
  await mustRun('initech', `put ${workspace.path('secret')} /report`);
  expect(await textOf(cloud.otherBucket, 'in/report')).toBe(SECRET);
  const { s3Endpoint: endpoint, region } = cloud;
  const client = createS3Client({ endpoint, region, credentials: sessionOf('initech').credentials });
  const at = { Bucket: cloud.bucket, Key: 'in/report' };
  await expectRefused(client.send(new PutObjectCommand({ ...at, Body: Buffer.from('x') })));
  client.destroy();
});
