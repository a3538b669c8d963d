import { describe, expect, test } from 'vitest';
import {
  MAX_POLICY_CHARACTERS,
  type Reach,
  toSessionPolicy,
} from '../../../src/backends/s3/session-policy.ts';
import { PERMISSIONS, type Permission } from '../../../src/contract/context.ts';
import { allows, parsePolicy } from '../../support/iam-policy.ts';

const REACH: Reach = {
  partition: 'aws',
  bucket: 'uploads',
  prefix: 'tenants/acme/',
  stagingPrefix: '.sluice/staging/0123/',
  permissions: undefined,
  hasKms: false,
};

/** Whether what is made of `reach` allows an action on a key, or on the bucket with a prefix. */
function may(action: string, key: string, reach: Partial<Reach> = {}): boolean {
  const { partition = 'aws', bucket = 'uploads' } = reach;
  const isListing = action.startsWith('s3:ListBucket');
  const resource = `arn:${partition}:s3:::${isListing ? bucket : `${bucket}/${key}`}`;
  const conditions: Record<string, string> = isListing ? { 's3:prefix': key } : {};
  const policy = parsePolicy(toSessionPolicy({ ...REACH, ...reach }));
  return allows(policy, { action, resource, conditions });
}

const ON_FILES = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'];

test.each(['tenants/acme/', 'tenants/acme/a', 'tenants/acme/a/b'])('everything is allowed on %s', (key) => {
  for (const action of [...ON_FILES, 's3:ListBucket'])
    expect([action, may(action, key)]).toEqual([action, true]);
});

test.each([
  'tenants/globex/a',
  'tenants/acme',
  'tenants/acme-2/a',
  'tenants/',
  '',
  '.sluice/outbox/a',
  '.sluice/staging/',
  '.sluice/staging/4567/a',
])('nothing is allowed on "%s"', (key) => {
  for (const action of [...ON_FILES, 's3:ListBucket']) {
    expect([action, may(action, key)]).toEqual([action, false]);
  }
});

test('nothing is allowed on another bucket, and no listing without a prefix', () => {
  const policy = parsePolicy(toSessionPolicy(REACH));
  const elsewhere = 'arn:aws:s3:::uploads-2/tenants/acme/a';
  for (const action of ON_FILES) {
    expect(allows(policy, { action, resource: elsewhere, conditions: {} })).toBe(false);
  }
  expect(allows(policy, { action: 's3:ListBucket', resource: 'arn:aws:s3:::uploads', conditions: {} })).toBe(
    false,
  );
});

test('of the bucket itself nothing but its listing is allowed', () => {
  for (const action of ['s3:ListBucketMultipartUploads', 's3:ListBucketVersions']) {
    expect(may(action, 'tenants/acme/')).toBe(false);
  }
});

describe('permissions', () => {
  test.each([
    [[], { put: false, delete: false, staged: false }],
    [['list', 'read'], { put: false, delete: false, staged: false }],
    [['mkdir'], { put: true, delete: false, staged: false }],
    [['delete'], { put: false, delete: true, staged: false }],
    [['write'], { put: true, delete: false, staged: true }],
    [['rename'], { put: true, delete: true, staged: true }],
    [[...PERMISSIONS], { put: true, delete: true, staged: true }],
  ] as const)('%j', (permissions: readonly Permission[], allowed) => {
    const key = 'tenants/acme/a';
    expect({
      put: may('s3:PutObject', key, { permissions }),
      delete: may('s3:DeleteObject', key, { permissions }),
      staged: may('s3:PutObject', '.sluice/staging/0123/a', { permissions }),
    }).toEqual(allowed);
    expect(may('s3:DeleteObject', '.sluice/staging/0123/a', { permissions })).toBe(allowed.staged);
    // Whoever may do anything at all may look at files.
    expect(may('s3:GetObject', key, { permissions })).toBe(true);
    expect(may('s3:ListBucket', key, { permissions })).toBe(true);
  });
});

test.each(['a*', 'a?', '$' + '{aws:username}', '$', 'tenants/$' + '{*}'])(
  '"%s" in a prefix is what it says',
  (name) => {
    const prefix = `${name}/`;
    expect(may('s3:GetObject', `${prefix}file`, { prefix })).toBe(true);
    expect(may('s3:ListBucket', prefix, { prefix })).toBe(true);
    expect(may('s3:GetObject', 'ab/file', { prefix })).toBe(false);
    expect(may('s3:GetObject', 'tenants/x/file', { prefix })).toBe(false);
  },
);

test('a prefix of any characters makes a policy of ASCII that means it', () => {
  const prefix = 'mandanten/münchen-日本-😀-"quoted"\\-\n/';
  expect(toSessionPolicy({ ...REACH, prefix })).toMatch(/^[ -~]+$/);
  expect(may('s3:PutObject', `${prefix}a`, { prefix })).toBe(true);
});

test('without a prefix it is the whole bucket, and no other', () => {
  expect(may('s3:PutObject', 'any/thing', { prefix: '' })).toBe(true);
  expect(may('s3:ListBucket', '', { prefix: '' })).toBe(true);
  expect(may('s3:PutObject', 'any/thing', { prefix: '', bucket: 'uploads-2' })).toBe(true);
});

test('ARNs are of the partition that the role is in', () => {
  expect(may('s3:GetObject', 'tenants/acme/a', { partition: 'aws-cn' })).toBe(true);
  expect(toSessionPolicy({ ...REACH, partition: 'aws-cn' })).not.toContain('arn:aws:');
});

test('keys of KMS may be used through S3 alone, where there are any', () => {
  const { Statement } = JSON.parse(toSessionPolicy({ ...REACH, hasKms: true }));
  expect(Statement.at(-1)).toEqual({
    Effect: 'Allow',
    Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
    Resource: '*',
    Condition: { StringLike: { 'kms:ViaService': 's3.*' } },
  });
  expect(toSessionPolicy(REACH)).not.toContain('kms');
});

test('a prefix of 500 characters fits into a policy, one of 1,000 does not', () => {
  const length = (count: number) =>
    toSessionPolicy({ ...REACH, hasKms: true, prefix: `${'x'.repeat(count - 1)}/` }).length;
  expect(length(500)).toBeLessThanOrEqual(MAX_POLICY_CHARACTERS);
  expect(length(1000)).toBeGreaterThan(MAX_POLICY_CHARACTERS);
});
