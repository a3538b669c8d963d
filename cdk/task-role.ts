import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge, wildcardIn } from './acknowledge.ts';
import type { UserSecrets } from './credentials.ts';
import { INTERNAL_PREFIX } from './storage.ts';

export interface TaskRoleOptions {
  readonly bucket: IBucket;
  /** Below which the service may read and write; its own `.sluice/` comes with them. */
  readonly keyPrefixes: readonly string[];
  /** Where jobs go, and reports of failed uploads. */
  readonly queues: readonly IQueue[];
  readonly secrets: readonly ISecret[];
  /** Of users, one each. */
  readonly userSecrets?: UserSecrets | undefined;
  /** Whether users' files are reached by another role: what the service does by itself is left for this one. */
  readonly hasTenantRole: boolean;
  /** Whether files are looked at that jobs were noted down for (`SLUICE_JOBS=every-object`). */
  readonly looksAtFiles: boolean;
  readonly clusterName: string;
}

/** What uploads and downloads take, of the objects of files and of the service's own. */
export const OBJECT_ACTIONS = [
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
] as const;

/** What writing and reading with a key of one's own takes, multipart uploads included (S3 User Guide, SSE-KMS; SQS: key management). */
export const USES_OF_KEYS = ['kms:GenerateDataKey', 'kms:Decrypt'] as const;

/** What the service itself may do, and no more: its objects, its queue, its secrets, and protect its own tasks. */
export function createTaskRole(scope: Construct, id: string, options: TaskRoleOptions): Role {
  const { bucket, keyPrefixes, queues, secrets, userSecrets, hasTenantRole, looksAtFiles, clusterName } =
    options;
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

  const files = hasTenantRole ? [] : keyPrefixes;
  const isWhole = files.includes('');
  const prefixes = isWhole ? [''] : [...files, INTERNAL_PREFIX];
  const below = (prefix: string) => bucket.arnForObjects(`${prefix}*`);
  const objects = prefixes.map(below);
  allow([...OBJECT_ACTIONS], objects);
  if (hasTenantRole) {
    objects.push(...keyPrefixes.map(below));
    allow(['s3:AbortMultipartUpload', ...(looksAtFiles ? ['s3:GetObject'] : [])], keyPrefixes.map(below));
  }
  // HeadBucket, by which the service looks whether the bucket is there, names no prefix.
  const listed = isWhole
    ? undefined
    : { StringLikeIfExists: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } };
  allow(['s3:ListBucket'], [bucket.bucketArn], listed);
  // The sweep for abandoned uploads asks for those of the whole bucket where the prefixes are the users'.
  allow(['s3:ListBucketMultipartUploads'], [bucket.bucketArn]);
  bucket.encryptionKey?.grant(role, ...USES_OF_KEYS);

  for (const queue of queues) {
    allow(['sqs:SendMessage', 'sqs:GetQueueAttributes'], [queue.queueArn]);
    queue.encryptionMasterKey?.grant(role, ...USES_OF_KEYS);
  }
  for (const secret of secrets) {
    secret.grantRead(role);
    // It says so in the key's policy alone, which of a key that was passed in is its owner's.
    secret.encryptionKey?.grant(role, 'kms:Decrypt');
  }

  const { partition, region, account } = Stack.of(scope);
  if (userSecrets !== undefined) {
    const ofUsers = `arn:${partition}:secretsmanager:${region}:${account}:secret:${userSecrets.prefix}*`;
    allow(['secretsmanager:GetSecretValue'], [ofUsers]);
    userSecrets.key?.grant(role, 'kms:Decrypt');
    acknowledge(role, { [wildcardIn(scope, ofUsers)]: 'Users come and go, below the prefix given.' });
  }
  const tasks = `arn:${partition}:ecs:${region}:${account}:task/${clusterName}/*`;
  allow(['ecs:UpdateTaskProtection'], [tasks]);
  acknowledge(role, {
    ...Object.fromEntries(
      objects.map((arn) => [wildcardIn(scope, arn), 'Partners name their files, below the prefixes given.']),
    ),
    [wildcardIn(scope, tasks)]: 'A task has its id when it starts; its cluster is known before.',
  });
  return role;
}
