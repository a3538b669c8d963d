import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, test, vi } from 'vitest';
import { SluiceStorage, type SluiceStorageProps } from '../cdk/storage.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

const KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';

function templateOf(propsOf: (stack: Stack) => SluiceStorageProps = () => ({})): Template {
  const stack = new Stack(new App(), 'Test');
  new SluiceStorage(stack, 'Storage', propsOf(stack));
  return Template.fromStack(stack);
}

function bucketHas(template: Template, properties: object): void {
  template.resourceCountIs('AWS::S3::Bucket', 1);
  template.hasResourceProperties('AWS::S3::Bucket', properties);
}

describe('a new bucket', () => {
  test('encrypts with keys that S3 manages unless a key is given', () => {
    bucketHas(templateOf(), {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    });
  });

  test('encrypts with the given KMS key through a bucket key', () => {
    const template = templateOf((stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) }));
    bucketHas(template, {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY_ARN },
          },
        ],
      },
    });
  });

  test('blocks every kind of public access', () => {
    bucketHas(templateOf(), {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });

  test('denies every action on bucket and objects without TLS', () => {
    const template = templateOf();
    const [logicalId = ''] = Object.keys(template.findResources('AWS::S3::Bucket'));
    const arn = { 'Fn::GetAtt': [logicalId, 'Arn'] };
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: logicalId },
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 's3:*',
            Resource: [arn, { 'Fn::Join': ['', [arn, '/*']] }],
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ]),
      },
    });
  });

  test('allows nothing in its policy', () => {
    const policies = Object.values(templateOf().findResources('AWS::S3::BucketPolicy'));
    expect(policies).toHaveLength(1);
    const statements = policies.flatMap((policy) => policy['Properties'].PolicyDocument.Statement);
    expect(statements.map((statement: { Effect: string }) => statement.Effect)).toEqual(['Deny']);
  });

  test('makes the bucket owner the owner of every object and has no access lists', () => {
    bucketHas(templateOf(), {
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      AccessControl: Match.absent(),
    });
  });

  test('outlives the deletion and the replacement of its stack resource', () => {
    templateOf().hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('keeps no older versions by default', () => {
    bucketHas(templateOf(), { VersioningConfiguration: Match.absent() });
  });

  test('keeps older versions when asked to', () => {
    bucketHas(
      templateOf(() => ({ versioned: true })),
      { VersioningConfiguration: { Status: 'Enabled' } },
    );
  });
});

describe('the lifecycle of a new bucket', () => {
  function rulesOf(props: SluiceStorageProps): unknown {
    const [bucket] = Object.values(templateOf(() => props).findResources('AWS::S3::Bucket'));
    return bucket?.['Properties'].LifecycleConfiguration.Rules;
  }

  test('aborts incomplete uploads anywhere and expires what they staged after 7 days, the rest of .sluice/ after 30', () => {
    expect(rulesOf({})).toEqual([
      {
        Id: 'abort-incomplete-uploads',
        Status: 'Enabled',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
      { Id: 'expire-staged-objects', Status: 'Enabled', Prefix: '.sluice/staging/', ExpirationInDays: 7 },
      { Id: 'expire-internal-objects', Status: 'Enabled', Prefix: '.sluice/', ExpirationInDays: 30 },
    ]);
  });

  test('takes its days from the props', () => {
    expect(rulesOf({ abortIncompleteUploadsAfterDays: 3, expireInternalObjectsAfterDays: 90 })).toMatchObject(
      [
        { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 } },
        { ExpirationInDays: 3 },
        { ExpirationInDays: 90 },
      ],
    );
  });

  test('removes older versions below .sluice/, and only there, when versions are kept', () => {
    expect(rulesOf({ versioned: true })).toEqual([
      expect.not.objectContaining({ NoncurrentVersionExpiration: expect.anything() }),
      expect.objectContaining({ Prefix: '.sluice/staging/' }),
      expect.objectContaining({ Prefix: '.sluice/', NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
    ]);
  });
});

describe('an existing bucket', () => {
  test('is exposed as it is and nothing is created', () => {
    const stack = new Stack(new App(), 'Test');
    const existingBucket = Bucket.fromBucketName(stack, 'Mine', 'mine');
    const storage = new SluiceStorage(stack, 'Storage', { existingBucket });
    expect(storage.bucket).toBe(existingBucket);
    expect(storage.node.children).toEqual([]);
  });

  test('is refused together with props that would shape a new bucket, all named in one error', () => {
    const create = () =>
      templateOf((stack) => ({
        existingBucket: Bucket.fromBucketName(stack, 'Mine', 'mine'),
        encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN),
        versioned: false,
      }));
    expect(create).toThrow(
      /^Test\/Storage: invalid props\n {2}- encryptionKey has.*\n {2}- versioned has.*$/,
    );
  });
});

describe('the days of a lifecycle rule', () => {
  test('are refused when negative or broken, both faults in one error', () => {
    const create = () =>
      templateOf(() => ({ abortIncompleteUploadsAfterDays: -1, expireInternalObjectsAfterDays: 1.5 }));
    expect(create).toThrow(
      'Test/Storage: invalid props\n' +
        '  - abortIncompleteUploadsAfterDays must be a whole number from 1 to 3650, not -1\n' +
        '  - expireInternalObjectsAfterDays must be a whole number from 1 to 3650, not 1.5',
    );
  });

  test('are refused when zero', () => {
    expect(() => templateOf(() => ({ expireInternalObjectsAfterDays: 0 }))).toThrow('not 0');
  });
});
