import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { INTERNAL_PREFIX } from './storage.ts';

export interface TaskRoleOptions {
  readonly bucket: IBucket;
  /** Below which the service may read and write; its own `.sluice/` comes with them. */
  readonly keyPrefixes: readonly string[];
  /** Where jobs go, and reports of failed uploads. */
  readonly queues: readonly IQueue[];
  readonly secrets: readonly ISecret[];
  readonly clusterName: string;
}

/** What the service itself may do, and no more: its objects, its queue, its secrets, and protect its own tasks. */
export function createTaskRole(scope: Construct, id: string, options: TaskRoleOptions): Role {
  const { bucket, keyPrefixes, queues, secrets, clusterName } = options;
  const role = new Role(scope, id, {
    description: 'Sluice: the service',
    assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com'),
  });
  const allow = (actions: string[], resources: string[], conditions?: Record<string, unknown>) =>
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions,
        resources,
        ...(conditions === undefined ? {} : { conditions }),
      }),
    );

  const isWhole = keyPrefixes.includes('');
  const prefixes = isWhole ? [''] : [...keyPrefixes, INTERNAL_PREFIX];
  allow(
    ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
    prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
  );
  // HeadBucket, by which the service looks whether the bucket is there, names no prefix.
  const listed = isWhole
    ? undefined
    : { StringLikeIfExists: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } };
  allow(['s3:ListBucket'], [bucket.bucketArn], listed);
  allow(['s3:ListBucketMultipartUploads'], [bucket.bucketArn], listed);
  bucket.encryptionKey?.grantEncryptDecrypt(role);

  for (const queue of queues) {
    allow(['sqs:SendMessage', 'sqs:GetQueueAttributes'], [queue.queueArn]);
    queue.encryptionMasterKey?.grant(role, 'kms:GenerateDataKey', 'kms:Decrypt');
  }
  for (const secret of secrets) secret.grantRead(role);

  const { partition, region, account } = Stack.of(scope);
  allow(
    ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'],
    [`arn:${partition}:ecs:${region}:${account}:task/${clusterName}/*`],
  );
  return role;
}
