import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, DeleteBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/backends/s3/client.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../support/s3-subject.ts';
import { startStrictS3 } from '../support/strict-s3/server.ts';
import { startStrictSts, TEST_ROLE } from '../support/strict-sts.ts';

/** The S3 and the STS that the suite runs against, and two buckets that are this run's alone. */
export interface CloudUnderTest {
  readonly s3Endpoint: string;
  readonly stsEndpoint: string;
  readonly roleArn: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** With the credentials that may assume the role. */
  readonly client: S3Client;
  readonly bucket: string;
  readonly otherBucket: string;
  /** Deletes the buckets, which must be empty. */
  close(): Promise<void>;
}

type Endpoints = Pick<CloudUnderTest, 's3Endpoint' | 'stsEndpoint' | 'roleArn' | 'region' | 'credentials'> & {
  stop(): Promise<void>;
};

/** What the environment names; without that, strict servers of our own. */
async function findEndpoints(): Promise<Endpoints> {
  const {
    AWS_ENDPOINT_URL_S3: s3Endpoint,
    AWS_ENDPOINT_URL_STS: stsEndpoint = s3Endpoint,
    AWS_REGION: region = TEST_REGION,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    SLUICE_ASSUME_ROLE_ARN: roleArn = TEST_ROLE,
  } = process.env;
  if (!s3Endpoint || !stsEndpoint) {
    const credentials = TEST_CREDENTIALS;
    const sts = await startStrictSts(credentials);
    const s3 = await startStrictS3({ authorize: sts.authorize });
    const stop = async () => {
      await s3.close();
      await sts.close();
    };
    return { s3Endpoint: s3.endpoint, stsEndpoint: sts.endpoint, roleArn, region, credentials, stop };
  }
  if (!accessKeyId || !secretAccessKey) {
    throw new Error('AWS_ENDPOINT_URL_S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY beside it');
  }
  const credentials = { accessKeyId, secretAccessKey };
  return { s3Endpoint, stsEndpoint, roleArn, region, credentials, stop: async () => undefined };
}

export async function openCloudUnderTest(): Promise<CloudUnderTest> {
  const { stop, ...found } = await findEndpoints();
  const { s3Endpoint: endpoint, region, credentials } = found;
  const client = createS3Client({ endpoint, region, credentials });
  const bucket = `sluice-test-${randomBytes(6).toString('hex')}`;
  const otherBucket = `${bucket}-other`;
  for (const Bucket of [bucket, otherBucket]) await client.send(new CreateBucketCommand({ Bucket }));
  return {
    ...found,
    client,
    bucket,
    otherBucket,
    close: async () => {
      for (const Bucket of [bucket, otherBucket]) await client.send(new DeleteBucketCommand({ Bucket }));
      client.destroy();
      await stop();
    },
  };
}
