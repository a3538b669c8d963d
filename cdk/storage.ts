import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { conflictFaults, refuseFaults, wholeNumberFaults } from './faults.ts';

/** Where the server keeps its own objects (the outbox); never visible to SFTP clients. */
export const INTERNAL_PREFIX = '.sluice/';
/** What unfinished uploads keep there. */
export const STAGING_PREFIX = `${INTERNAL_PREFIX}staging/`;

/** Not before the server itself does, after SLUICE_STALE_UPLOAD_HOURS: S3 acts at the midnight after so many days. */
const DEFAULT_ABORT_DAYS = 7;
const DEFAULT_INTERNAL_DAYS = 30;
/** S3 takes any positive 32-bit integer of days; ten years already means "never" here. */
const MAX_DAYS = 3650;

export interface SluiceStorageProps {
  /**
   * A bucket to use as it is. Its encryption, policy and lifecycle stay its owner's business: abort incomplete
   * multipart uploads and expire `.sluice/` there too. Giving any other prop beside it is an error.
   *
   * @default - a new bucket, kept when the stack is deleted
   */
  readonly existingBucket?: IBucket;

  /**
   * KMS key for the objects of the new bucket, used through an S3 bucket key to keep KMS calls few.
   *
   * @default - encryption with keys that S3 manages (SSE-S3)
   */
  readonly encryptionKey?: IKey;

  /**
   * Keeps the older versions of objects that are overwritten or deleted. They cost storage until something
   * removes them: apart from those below `.sluice/`, nothing here does.
   *
   * @default false
   */
  readonly versioned?: boolean;

  /**
   * Days after its start at which S3 aborts a multipart upload that is still incomplete, and deletes what such an
   * upload has staged below `.sluice/staging/`. This clears up after tasks that were killed, where no task is left
   * to do so; an upload that takes longer fails, so allow for the slowest partner.
   *
   * @default 7
   */
  readonly abortIncompleteUploadsAfterDays?: number;

  /**
   * Days after which objects below `.sluice/` are deleted. A job that SQS has not taken for so long is lost, so
   * this must outlast the longest outage that is to be survived.
   *
   * @default 30
   */
  readonly expireInternalObjectsAfterDays?: number;
}

/** The bucket that uploads go to: encrypted, private, reached over TLS only, and tidied by lifecycle rules. */
export class SluiceStorage extends Construct {
  /** The new bucket, or the one passed in. */
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, props: SluiceStorageProps = {}) {
    super(scope, id);
    refuseFaults(this, storageFaults(props));
    this.bucket = props.existingBucket ?? createBucket(this, props);
  }
}

function storageFaults({ existingBucket, ...creation }: SluiceStorageProps): string[] {
  const { abortIncompleteUploadsAfterDays: abort, expireInternalObjectsAfterDays: expire } = creation;
  return [
    ...(existingBucket ? conflictFaults('existingBucket', creation) : []),
    ...wholeNumberFaults('abortIncompleteUploadsAfterDays', abort, 1, MAX_DAYS),
    ...wholeNumberFaults('expireInternalObjectsAfterDays', expire, 1, MAX_DAYS),
  ];
}

function createBucket(scope: Construct, props: SluiceStorageProps): IBucket {
  const versioned = props.versioned ?? false;
  const bucket = new Bucket(scope, 'Bucket', {
    ...(props.encryptionKey
      ? { encryption: BucketEncryption.KMS, encryptionKey: props.encryptionKey, bucketKeyEnabled: true }
      : { encryption: BucketEncryption.S3_MANAGED }),
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    versioned,
    lifecycleRules: lifecycleRules(props, versioned),
    removalPolicy: RemovalPolicy.RETAIN,
  });
  acknowledge(bucket, {
    'AwsSolutions-S1':
      "Every operation is in the service's log and traces with its user; logs of S3 would need a bucket of their own.",
  });
  // The library declares `isWebsite` differently in the two, which only exactOptionalPropertyTypes minds.
  return bucket as IBucket;
}

function lifecycleRules(props: SluiceStorageProps, versioned: boolean): LifecycleRule[] {
  const abortDays = props.abortIncompleteUploadsAfterDays ?? DEFAULT_ABORT_DAYS;
  const internalDays = props.expireInternalObjectsAfterDays ?? DEFAULT_INTERNAL_DAYS;
  return [
    { id: 'abort-incomplete-uploads', abortIncompleteMultipartUploadAfter: Duration.days(abortDays) },
    { id: 'expire-staged-objects', prefix: STAGING_PREFIX, expiration: Duration.days(abortDays) },
    {
      id: 'expire-internal-objects',
      prefix: INTERNAL_PREFIX,
      expiration: Duration.days(internalDays),
      // With versioning, expiring only hides an object; its bytes go when the noncurrent version does.
      ...(versioned && { noncurrentVersionExpiration: Duration.days(1) }),
    },
  ];
}
