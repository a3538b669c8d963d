import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AssumedRole, toSessionName } from '../../../src/backends/s3/assume-role.ts';
import type { Principal, RequestContext } from '../../../src/contract/context.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { collectLog } from '../../support/collect-log.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../../support/s3-subject.ts';
import { TEST_ROLE } from '../../support/strict-sts.ts';
import {
  BUCKET,
  type Cloud,
  type OpenedBackend,
  OTHER_BUCKET,
  openTenantBackend,
  startCloud,
} from '../../support/tenant-backend.ts';

const MiB = 1024 * 1024;
const POLICY = '{"Version":"2012-10-17","Statement":[]}';
const CREATE = { create: true, exclusive: false, truncate: true, append: false };

let cloud: Cloud;
let opened: OpenedBackend[];

beforeEach(async () => {
  cloud = await startCloud();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((backend) => backend.close()));
  await cloud.close();
});

async function open(options: Parameters<typeof openTenantBackend>[1] = {}): Promise<OpenedBackend> {
  const backend = await openTenantBackend(cloud, options);
  opened.push(backend);
  return backend;
}

const of = (username: string, principal: Partial<Principal> = {}): RequestContext =>
  createTestContext({ principal: { username, session: { prefix: `tenants/${username}/` }, ...principal } });

const bytes = Buffer.from('bytes');
const errors = ({ lines }: OpenedBackend) => lines.filter(({ level }) => level === 'error');

/** By whose access keys requests for an operation came. */
const callers = (operation: string) =>
  cloud.s3.requests
    .filter((request) => request.operation === operation)
    .map(({ headers }) => /Credential=([^/]+)/.exec(headers.authorization ?? '')?.[1]);

describe('credentials', () => {
  test('are of a session of the user, with a policy for the prefix, and S3 gets no others', async () => {
    const { backend } = await open();
    await backend.writeFile(of('acme'), '/a', bytes);
    const [session, ...more] = cloud.sts.issued;
    expect(more).toEqual([]);
    expect(session).toMatchObject({ name: 'acme' });
    expect(session?.policy).toContain(`arn:aws:s3:::${BUCKET}/tenants/acme/*`);
    const used = cloud.s3.requests.map(({ headers }) => headers.authorization ?? '');
    expect(used.length).toBeGreaterThan(0);
    for (const authorization of used) expect(authorization).toContain(`Credential=${session?.accessKeyId}/`);
  });

  test('are asked for once by requests that come together, and kept for those that follow', async () => {
    const { backend } = await open();
    const write = (name: number) => backend.writeFile(of('acme'), `/${name}`, bytes);
    await Promise.all(Array.from({ length: 20 }, (_, name) => write(name)));
    await write(20);
    expect(cloud.sts.issued).toHaveLength(1);
  });

  test('are others for another user, prefix, bucket and other permissions', async () => {
    const { backend } = await open();
    const prefix = { prefix: 'tenants/acme/' };
    const who: Principal[] = [
      { username: 'acme', session: prefix },
      { username: 'else', session: prefix },
      { username: 'acme', session: { prefix: 'tenants/acme-2/' } },
      { username: 'acme', session: prefix, bucket: OTHER_BUCKET },
      { username: 'acme', session: prefix, permissions: ['write', 'list'] },
    ];
    for (const principal of who) await backend.writeFile(createTestContext({ principal }), '/a', bytes);
    expect(new Set(cloud.sts.issued.map(({ accessKeyId }) => accessKeyId)).size).toBe(5);
    // In another order they are the same.
    const same: Principal = { username: 'acme', session: prefix, permissions: ['list', 'write'] };
    await backend.writeFile(createTestContext({ principal: same }), '/b', bytes);
    expect(cloud.sts.issued).toHaveLength(5);
  });

  test('are refused for the prefix of another, whatever the key', async () => {
    const { backend } = await open();
    await backend.writeFile(of('acme'), '/secret', bytes);
    await backend.writeFile(of('globex'), '/a', bytes);
    const [, globex] = cloud.sts.issued;
    const { accessKeyId = '', sessionToken } = globex ?? {};
    const ask = (action: string, resource: string, prefix?: string) =>
      cloud.sts.authorize(
        { accessKeyId, sessionToken },
        { action, resource, conditions: prefix === undefined ? {} : { 's3:prefix': prefix } },
      );
    const secret = `arn:aws:s3:::${BUCKET}/tenants/acme/secret`;
    for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']) {
      expect(() => ask(action, secret)).toThrow('Access Denied');
    }
    expect(() => ask('s3:ListBucket', `arn:aws:s3:::${BUCKET}`, 'tenants/acme/')).toThrow('Access Denied');
    expect(() => ask('s3:GetObject', `arn:aws:s3:::${BUCKET}/tenants/globex/a`)).not.toThrow();
  });

  test('are had anew in the middle of an upload that outlives them', async () => {
    const { backend } = await open();
    // Within five minutes of their end they are not used any more.
    cloud.sts.lifetimeSeconds = 60;
    const content = Buffer.alloc(24 * MiB, 'x');
    const upload = await backend.beginWrite(of('acme'), '/large', CREATE);
    await upload.writeChunk(0, content.subarray(0, 12 * MiB));
    await upload.sync();
    const before = cloud.sts.issued.length;
    cloud.sts.expireAll();
    await upload.writeChunk(12 * MiB, content.subarray(12 * MiB));
    expect((await upload.finishWrite()).size).toBe(content.length);
    expect(callers('UploadPart').length).toBeGreaterThan(1);
    expect(cloud.sts.issued.length).toBeGreaterThan(before);
    expect(cloud.s3.objects(BUCKET).get('tenants/acme/large')?.size).toBe(content.length);
  });

  test('are told of by nothing that is logged', async () => {
    const { backend, lines } = await open();
    await backend.writeFile(of('acme'), '/a', bytes);
    cloud.sts.refusal = { status: 403, code: 'AccessDenied', message: 'no' };
    await expect(backend.writeFile(of('globex'), '/a', bytes)).rejects.toMatchObject({ code: 'EIO' });
    const [session] = cloud.sts.issued;
    const logged = JSON.stringify(lines);
    expect(logged).not.toContain(session?.secretAccessKey);
    expect(logged).not.toContain(session?.sessionToken);
  });
});

describe('a user whom STS has no credentials for', () => {
  test('is EIO, told in the log, and S3 hears nothing by other credentials', async () => {
    const created = await open();
    cloud.sts.refusal = { status: 403, code: 'AccessDenied', message: 'is not authorized' };
    await expect(created.backend.fileInfo(of('acme'), '/a')).rejects.toMatchObject({ code: 'EIO' });
    expect(cloud.s3.requests).toEqual([]);
    expect(errors(created)).toHaveLength(1);
    expect(errors(created)[0]).toMatchObject({
      message: 'no credentials for a user: the role cannot be assumed',
      fields: {
        username: 'acme',
        role: TEST_ROLE,
        reason: expect.stringContaining('its trust policy has to name them'),
      },
    });
  });

  test('is asked for again after five seconds, and told again then', async () => {
    const aws = { endpoint: cloud.sts.endpoint, region: TEST_REGION, credentials: TEST_CREDENTIALS };
    const { log, lines } = collectLog();
    let clock = 0;
    const role = new AssumedRole(
      { roleArn: TEST_ROLE, externalId: undefined, aws },
      { log, observeAwsCalls: () => undefined, now: () => clock },
    );
    const credentials = role.credentials({ username: 'acme', policy: POLICY });
    cloud.sts.refusal = { status: 403, code: 'AccessDenied', message: 'no' };
    await expect(credentials()).rejects.toMatchObject({ code: 'EIO' });
    cloud.sts.refusal = undefined;
    clock = 4_999;
    await expect(credentials()).rejects.toMatchObject({ code: 'EIO' });
    expect(lines).toHaveLength(1);
    clock = 5_000;
    expect((await credentials()).accessKeyId).toBe(cloud.sts.issued[0]?.accessKeyId);
    role.close();
  });

  test('does not keep others from theirs', async () => {
    const { backend } = await open();
    await backend.writeFile(of('globex'), '/a', bytes);
    cloud.sts.refusal = { status: 403, code: 'AccessDenied', message: 'no' };
    await expect(backend.fileInfo(of('acme'), '/a')).rejects.toMatchObject({ code: 'EIO' });
    expect((await backend.fileInfo(of('globex'), '/a')).size).toBe(bytes.length);
  });

  test('is EIO while STS cannot be reached', async () => {
    const created = await open({ stsEndpoint: 'http://127.0.0.1:1' });
    await expect(created.backend.fileInfo(of('acme'), '/a')).rejects.toMatchObject({ code: 'EIO' });
    expect(errors(created)[0]?.fields['reason']).toContain('ECONNREFUSED');
  });

  test('is EACCES where the prefix makes too long a policy: STS is not asked', async () => {
    const created = await open();
    const context = of('acme', { session: { prefix: `${'x'.repeat(200)}/`.repeat(5) } });
    await expect(created.backend.fileInfo(context, '/a')).rejects.toMatchObject({ code: 'EACCES' });
    expect(cloud.sts.issued).toEqual([]);
    expect(errors(created)[0]?.fields['reason']).toMatch(
      /the session policy has \d+ characters, and STS takes 2048/,
    );
  });

  test('is EACCES without the attribute that has the prefix', async () => {
    const { backend } = await open();
    await expect(backend.fileInfo(of('acme', { session: {} }), '/a')).rejects.toMatchObject({
      code: 'EACCES',
    });
    expect(cloud.sts.issued).toEqual([]);
  });
});

test('what permissions leave out, S3 refuses as well', async () => {
  const { backend } = await open();
  await backend.writeFile(of('acme'), '/a', bytes);
  // Past the layer that would have refused it before.
  const reader = of('acme', { permissions: ['list', 'read'] });
  expect(Buffer.from(await backend.readFile(reader, '/a'))).toEqual(bytes);
  await expect(backend.delete(reader, '/a')).rejects.toMatchObject({ code: 'EACCES' });
  await expect(backend.writeFile(reader, '/b', bytes)).rejects.toMatchObject({ code: 'EACCES' });
  const writer = of('acme', { permissions: ['write'] });
  await backend.writeFile(writer, '/b', bytes);
  await expect(backend.delete(writer, '/b')).rejects.toMatchObject({ code: 'EACCES' });
  const remover = of('acme', { permissions: ['delete'] });
  await backend.delete(remover, '/b');
  await expect(backend.makeDir(remover, '/dir')).rejects.toMatchObject({ code: 'EACCES' });
});

describe('the service itself', () => {
  test('uses its own credentials for records and the files that they are about', async () => {
    const { backend, outboxStore } = await open();
    await backend.writeFile(of('acme'), '/a', bytes);
    await outboxStore?.put('outbox/1', '{}');
    const stored = await outboxStore?.storedFile({ bucket: BUCKET, key: 'tenants/acme/a' });
    expect(stored?.size).toBe(bytes.length);
    expect(callers('PutObject').at(-1)).toBe('test');
    expect(callers('HeadObject').at(-1)).toBe('test');
  });

  test('finds the role to be well', async () => {
    const { furtherProbes } = await open();
    expect(await furtherProbes?.get('role')?.()).toEqual({ state: 'ok' });
    expect(cloud.sts.issued[0]).toMatchObject({ name: 'sluice_probe' });
  });

  test.each([
    ['AccessDenied', 403, 'wrong', /needs? sts:AssumeRole.*trust policy/],
    ['RegionDisabledException', 403, 'wrong', /not active in this region/],
    ['ServiceUnavailable', 503, 'unreachable', /ServiceUnavailable/],
    ['Throttling', 400, 'unreachable', /Throttling/],
  ])('says of %s what is to be done', async (code, status, state, message) => {
    const { furtherProbes } = await open();
    cloud.sts.refusal = { status, code, message: 'no' };
    const result = await furtherProbes?.get('role')?.();
    expect(result).toEqual({ state, message: expect.stringMatching(message) });
    expect(result).toMatchObject({ message: expect.stringContaining(TEST_ROLE) });
  });

  test('says that a role can be assumed and may nothing', async () => {
    const { furtherProbes } = await open();
    cloud.s3.fault({ operation: 'ListObjectsV2', respond: { status: 403, code: 'AccessDenied' } });
    expect(await furtherProbes?.get('role')?.()).toMatchObject({
      state: 'wrong',
      message: expect.stringContaining('can be assumed, and not used'),
    });
  });
});

test('the external ID goes with the question', async () => {
  await cloud.close();
  cloud = await startCloud({ externalId: 'of-this-service' });
  const aws = {
    endpoint: cloud.sts.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'x' },
  };
  const role = { roleArn: TEST_ROLE, aws };
  const right = await open({ assumeRole: { ...role, externalId: 'of-this-service' } });
  const without = await open({ assumeRole: { ...role, externalId: undefined } });
  expect(await right.furtherProbes?.get('role')?.()).toEqual({ state: 'ok' });
  expect(await without.furtherProbes?.get('role')?.()).toMatchObject({ state: 'wrong' });
});

test.each([
  ['acme', 'acme'],
  ['a', 'a_'],
  ['', '__'],
  ['münchen/büro', 'm_nchen_b_ro'],
  ['ops+ci=1,2.3@example-4_5', 'ops+ci=1,2.3@example-4_5'],
  ['x'.repeat(80), 'x'.repeat(64)],
])('the session of "%s" is called %s', (username, name) => {
  expect(toSessionName(username)).toBe(name);
});
