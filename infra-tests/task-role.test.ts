import type { Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test, vi } from 'vitest';
import type { SftpIngestionProps } from '../cdk/ingestion.ts';
import { ingestionWith, KEY_ARN, propertiesOf, templateOf } from './support/appliance.ts';
import { grantsOf } from './support/readable.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

const WITHOUT_COLLECTOR = { observability: { collector: false } } as const;

const grantsWith = (propsOf: (stack: Stack) => SftpIngestionProps) =>
  grantsOf(ingestionWith((stack) => ({ ...WITHOUT_COLLECTOR, ...propsOf(stack) })).service.taskRole);

const ofS3 = (grants: readonly string[]) => grants.filter((grant) => grant.startsWith('s3:'));

/** What the service does with objects, below each of these. */
const objects = (...prefixes: string[]) =>
  ['AbortMultipartUpload', 'DeleteObject', 'GetObject', 'PutObject'].flatMap((action) =>
    prefixes.map((prefix) => `s3:${action} <Storage/Bucket.Arn>/${prefix}*`),
  );

/** Listings below these alone; HeadBucket names no prefix, and the sweep for abandoned uploads perhaps none. */
const listings = (...prefixes: string[]) => [
  `s3:ListBucket <Storage/Bucket.Arn> if ${JSON.stringify({ StringLikeIfExists: { 's3:prefix': prefixes } })}`,
  's3:ListBucketMultipartUploads <Storage/Bucket.Arn>',
];

describe('the role of the service', () => {
  test('may: its objects, its queue, its two secrets, protect its own tasks; nothing else', () => {
    expect(grantsWith(() => ({}))).toEqual(
      [
        ...objects(''),
        's3:ListBucket <Storage/Bucket.Arn>',
        's3:ListBucketMultipartUploads <Storage/Bucket.Arn>',
        'sqs:GetQueueAttributes <Jobs/Queue.Arn>',
        'sqs:SendMessage <Jobs/Queue.Arn>',
        'secretsmanager:DescribeSecret <Credentials/HostKeys>',
        'secretsmanager:GetSecretValue <Credentials/HostKeys>',
        'secretsmanager:DescribeSecret <Credentials/Users>',
        'secretsmanager:GetSecretValue <Credentials/Users>',
        'ecs:UpdateTaskProtection arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Service/Cluster>/*',
      ].sort(),
    );
  });

  test('is taken by tasks of ECS alone, and has no policies but its own', () => {
    const roles = Object.values(templateOf(ingestionWith()).findResources('AWS::IAM::Role'));
    const [role] = roles.filter(({ Properties }) => Properties.Description === 'Sluice: the service');
    expect(role?.['Properties'].AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { Service: 'ecs-tasks.amazonaws.com' },
      },
    ]);
    for (const { Properties } of roles) {
      expect(Properties).not.toHaveProperty('ManagedPolicyArns');
      expect(Properties).not.toHaveProperty('Policies');
    }
  });

  test('may, for the collector, write the metrics of this service and traces of this region, and no more', () => {
    const without = grantsWith(() => ({}));
    const added = grantsOf(ingestionWith().service.taskRole).filter((grant) => !without.includes(grant));
    const region = '{"StringEquals":{"aws:RequestedRegion":{"Ref":"AWS::Region"}}}';
    expect(added).toEqual([
      'logs:CreateLogStream <Observability/Metrics.Arn>',
      'logs:DescribeLogStreams <Observability/Metrics.Arn>',
      'logs:PutLogEvents <Observability/Metrics.Arn>',
      `xray:PutTelemetryRecords * if ${region}`,
      `xray:PutTraceSegments * if ${region}`,
    ]);
  });

  test('may read the secrets of users below their prefix, with their key, where they have one each', () => {
    const grants = grantsWith((stack) => ({
      credentials: { userSecretsPrefix: 'SFTP/', userSecretsKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) },
    }));
    expect(grants.filter((grant) => /^(secretsmanager|kms):/.test(grant))).toEqual([
      `kms:Decrypt ${KEY_ARN}`,
      'secretsmanager:DescribeSecret <Credentials/HostKeys>',
      'secretsmanager:GetSecretValue <Credentials/HostKeys>',
      'secretsmanager:GetSecretValue arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:SFTP/*',
    ]);
  });

  test('may report failed uploads where there is a queue for them', () => {
    const grants = grantsWith((stack) => ({ failureQueue: new Queue(stack, 'Failures') }));
    expect(grants.filter((grant) => grant.startsWith('sqs:'))).toEqual(
      ['<Failures.Arn>', '<Jobs/Queue.Arn>']
        .flatMap((queue) => [`sqs:GetQueueAttributes ${queue}`, `sqs:SendMessage ${queue}`])
        .sort(),
    );
  });
});

describe('a key prefix', () => {
  test('keeps the tasks below it, and below what is their own, whatever slashes it has', () => {
    for (const keyPrefix of ['in', 'in/', '/in/']) {
      expect(ofS3(grantsWith(() => ({ keyPrefix })))).toEqual(
        [...objects('in/', '.sluice/'), ...listings('in/*', '.sluice/*')].sort(),
      );
    }
  });

  test('of sessions takes the whole bucket, unless it is said which prefixes they may name', () => {
    const keyPrefix = 'session:prefix';
    const whole = ofS3(grantsWith(() => ({})));
    expect(ofS3(grantsWith(() => ({ keyPrefix })))).toEqual(whole);
    const allowedKeyPrefixes = ['tenants/', 'partners/acme'];
    expect(ofS3(grantsWith(() => ({ keyPrefix, allowedKeyPrefixes })))).toEqual(
      [
        ...objects('tenants/', 'partners/acme/', '.sluice/'),
        ...listings('tenants/*', 'partners/acme/*', '.sluice/*'),
      ].sort(),
    );
  });
});

describe('a role for users', () => {
  const confined = (props: SftpIngestionProps = {}) =>
    ingestionWith(() => ({
      ...WITHOUT_COLLECTOR,
      keyPrefix: 'session:prefix',
      allowedKeyPrefixes: ['tenants/'],
      assumeRole: true,
      ...props,
    })).service;

  test('leaves the tasks what the service does by itself, and the right to assume it', () => {
    const grants = grantsOf(confined().taskRole);
    expect(ofS3(grants)).toEqual(
      [
        ...objects('.sluice/'),
        's3:AbortMultipartUpload <Storage/Bucket.Arn>/tenants/*',
        ...listings('.sluice/*'),
      ].sort(),
    );
    expect(grants.filter((grant) => grant.startsWith('sts:'))).toEqual([
      'sts:AssumeRole <Service/TenantRole.Arn>',
    ]);
  });

  test('leaves them to look at files where jobs are noted down before these are there', () => {
    const { taskRole } = confined({ settings: { SLUICE_JOBS: 'every-object' } });
    const files = ofS3(grantsOf(taskRole)).filter((grant) => grant.endsWith('/tenants/*'));
    expect(files).toEqual([
      's3:AbortMultipartUpload <Storage/Bucket.Arn>/tenants/*',
      's3:GetObject <Storage/Bucket.Arn>/tenants/*',
    ]);
  });

  test('may use files and what unfinished uploads keep, and nothing else', () => {
    const { tenantRole } = confined();
    if (tenantRole === undefined) throw new Error('there is no role');
    const prefixes = { StringLike: { 's3:prefix': ['tenants/*', '.sluice/staging/*'] } };
    expect(grantsOf(tenantRole)).toEqual(
      [
        ...objects('tenants/', '.sluice/staging/'),
        `s3:ListBucket <Storage/Bucket.Arn> if ${JSON.stringify(prefixes)}`,
      ].sort(),
    );
  });

  test('is assumed by the tasks alone', () => {
    const service = confined();
    const roles = Object.values(templateOf(service).findResources('AWS::IAM::Role'));
    const [role] = roles.filter(({ Properties }) => Properties.Description === 'Sluice: the files of users');
    const { Statement } = role?.['Properties'].AssumeRolePolicyDocument ?? {};
    expect(Statement).toMatchObject([{ Effect: 'Allow', Action: 'sts:AssumeRole' }]);
    expect(JSON.stringify(Statement[0].Principal)).toContain('ServiceTaskRole');
  });

  test('there is none unless it is asked for', () => {
    expect(ingestionWith().service.tenantRole).toBeUndefined();
    expect(grantsOf(ingestionWith().service.taskRole).join()).not.toContain('sts:');
  });
});

describe('keys of KMS', () => {
  const arnOf = (digit: number) =>
    `arn:aws:kms:eu-west-1:111122223333:key/${'11111111-2222-3333-4444-555555555555'.replace(/.$/, `${digit}`)}`;

  test('that are given for new resources may be used for these, to write and to read', () => {
    const grants = grantsWith((stack) => ({
      storage: { encryptionKey: Key.fromKeyArn(stack, 'OfBucket', arnOf(1)) },
      jobs: { encryptionKey: Key.fromKeyArn(stack, 'OfQueue', arnOf(2)) },
      credentials: { encryptionKey: Key.fromKeyArn(stack, 'OfSecrets', arnOf(3)) },
    }));
    expect(grants.filter((grant) => grant.startsWith('kms:'))).toEqual([
      `kms:Decrypt ${arnOf(1)}`,
      `kms:Decrypt ${arnOf(2)}`,
      `kms:Decrypt ${arnOf(3)}`,
      `kms:GenerateDataKey ${arnOf(1)}`,
      `kms:GenerateDataKey ${arnOf(2)}`,
    ]);
  });

  test('that existing resources have may be used for these', () => {
    const grants = grantsWith((stack) => ({
      storage: {
        existingBucket: Bucket.fromBucketAttributes(stack, 'Bucket', {
          bucketName: 'mine',
          encryptionKey: Key.fromKeyArn(stack, 'OfBucket', arnOf(1)),
        }),
      },
      jobs: {
        existingQueue: Queue.fromQueueAttributes(stack, 'Queue', {
          queueArn: 'arn:aws:sqs:eu-west-1:111122223333:mine',
          keyArn: arnOf(2),
        }),
      },
      credentials: {
        existingUsers: Secret.fromSecretAttributes(stack, 'Users', {
          secretCompleteArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:mine-a1b2c3',
          encryptionKey: Key.fromKeyArn(stack, 'OfUsers', arnOf(3)),
        }),
      },
    }));
    expect(grants.filter((grant) => /^(kms|sqs):|GetSecretValue/.test(grant))).toEqual([
      `kms:Decrypt ${arnOf(1)}`,
      `kms:Decrypt ${arnOf(2)}`,
      `kms:Decrypt ${arnOf(3)}`,
      `kms:GenerateDataKey ${arnOf(1)}`,
      `kms:GenerateDataKey ${arnOf(2)}`,
      'secretsmanager:GetSecretValue <Credentials/HostKeys>',
      'secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:111122223333:secret:mine-a1b2c3',
      'sqs:GetQueueAttributes arn:aws:sqs:eu-west-1:111122223333:mine',
      'sqs:SendMessage arn:aws:sqs:eu-west-1:111122223333:mine',
    ]);
    expect(ofS3(grants)).toContain('s3:PutObject arn:<AWS::Partition>:s3:::mine/*');
  });

  test('are used by nothing where none is given', () => {
    expect(grantsWith(() => ({})).filter((grant) => grant.startsWith('kms:'))).toEqual([]);
    expect(propertiesOf(ingestionWith(), 'AWS::S3::Bucket')).toBeDefined();
  });
});
