import { ArnPrincipal, Effect, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge, wildcardIn } from './acknowledge.ts';
import { STAGING_PREFIX } from './storage.ts';
import { OBJECT_ACTIONS, USES_OF_KEYS } from './task-role.ts';

export interface TenantRoleOptions {
  readonly bucket: IBucket;
  /** Below which users may have files. */
  readonly keyPrefixes: readonly string[];
  /** Who assumes it. */
  readonly taskRole: Role;
}

/**
 * What all users together may do: the service assumes it for each of them, with a policy that leaves that user's files
 * (docs/tenancy.md). It may do nothing but use objects of the bucket.
 */
export function createTenantRole(scope: Construct, id: string, options: TenantRoleOptions): Role {
  const { bucket, keyPrefixes, taskRole } = options;
  const role = new Role(scope, id, {
    description: 'Sluice: the files of users',
    assumedBy: new ArnPrincipal(taskRole.roleArn),
  });
  const prefixes = keyPrefixes.includes('') ? [''] : [...keyPrefixes, STAGING_PREFIX];
  const objects = prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`));
  role.addToPolicy(
    new PolicyStatement({ effect: Effect.ALLOW, actions: [...OBJECT_ACTIONS], resources: objects }),
  );
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
    }),
  );
  bucket.encryptionKey?.grant(role, ...USES_OF_KEYS);
  taskRole.addToPolicy(
    new PolicyStatement({ effect: Effect.ALLOW, actions: ['sts:AssumeRole'], resources: [role.roleArn] }),
  );
  acknowledge(
    role,
    Object.fromEntries(
      objects.map((arn) => [wildcardIn(scope, arn), 'Partners name their files, below the prefixes given.']),
    ),
  );
  return role;
}
