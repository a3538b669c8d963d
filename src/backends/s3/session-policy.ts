import { PERMISSIONS, type Permission } from '../../contract/context.ts';
import { escapeUnit } from '../../contract/json.ts';

/** What a policy that goes with AssumeRole may have (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html). */
export const MAX_POLICY_CHARACTERS = 2048;

/** Everything that the credentials of one session are good for. */
export interface Reach {
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  readonly bucket: string;
  /** Of the files; empty or ending in a slash. */
  readonly prefix: string;
  /** Of what unfinished work keeps. */
  readonly stagingPrefix: string;
  /** All of them when undefined. */
  readonly permissions: readonly Permission[] | undefined;
  /** Whether objects may be encrypted with keys of KMS: a store that has none need not know its actions. */
  readonly hasKms: boolean;
}

const READS = ['s3:GetObject'] as const;
const STAGES = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'] as const;

/**
 * What each permission takes besides looking at files, which everybody may (docs/tenancy.md). Looking is HEAD, and that is
 * s3:GetObject, as are conditions on an ETag, what an upload keeps of the file that it goes on with, and every copy: so no
 * permission takes more to read.
 */
const TAKES: Readonly<Record<Permission, readonly string[]>> = {
  list: [],
  read: [],
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  delete: ['s3:DeleteObject'],
  rename: ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
  mkdir: ['s3:PutObject'],
};

/**
 * The session policy, as JSON: files below the prefix, what the permissions need there, and nothing else of the bucket. With such
 * credentials a key that was made wrongly is refused by S3, whoever's it is. It may be longer than `MAX_POLICY_CHARACTERS`.
 */
export function toSessionPolicy(reach: Reach): string {
  const { partition, prefix, stagingPrefix, permissions = PERMISSIONS, hasKms } = reach;
  const bucket = `arn:${partition}:s3:::${reach.bucket}`;
  const below = literal(prefix);
  const staging = literal(stagingPrefix);
  const stages = permissions.some((permission) => permission === 'write' || permission === 'rename');
  const Statement = [
    allow(
      [...new Set([...READS, ...permissions.flatMap((permission) => TAKES[permission])])],
      `${bucket}/${below}*`,
    ),
    {
      // S3 asks this, with the key for the prefix, also whether it may say that an object is not there.
      ...allow(['s3:ListBucket'], bucket),
      Condition: { StringLike: { 's3:prefix': [`${below}*`, ...(stages ? [`${staging}*`] : [])] } },
    },
    ...(stages ? [allow(STAGES, `${bucket}/${staging}*`)] : []),
    // Of the role's own keys, for S3 alone.
    ...(hasKms
      ? [
          {
            ...allow(['kms:GenerateDataKey', 'kms:Decrypt'], '*'),
            Condition: { StringLike: { 'kms:ViaService': 's3.*' } },
          },
        ]
      : []),
  ];
  return inAscii(JSON.stringify({ Version: '2012-10-17', Statement }));
}

function allow(Action: readonly string[], Resource: string) {
  return { Effect: 'Allow', Action, Resource };
}

/** Without wildcards and variables (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html). */
function literal(text: string): string {
  return text.replace(/[*?$]/g, (special) => `\${${special}}`);
}

/** STS takes no others than those of Latin-1. */
function inAscii(json: string): string {
  return json.replace(/[^ -~]/g, escapeUnit);
}
