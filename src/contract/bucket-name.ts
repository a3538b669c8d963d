/**
 * Whether a bucket may be called so (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html). What else a
 * request or a policy would take for a bucket, as ARNs and wildcards, is none.
 */
export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !/\.\.|^\d+(?:\.\d+){3}$/.test(name);
}

export const BUCKET_NAME_FAULT =
  'must be the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens';
