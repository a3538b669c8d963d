import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/backends/s3/client.ts';
import { startStrictS3 } from '../support/strict-s3/server.ts';
import { inShort, outcome } from './wire.ts';

/** The S3 that the suite runs against: a bucket, and in it a prefix that is this run's alone. */
export interface StoreUnderTest {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** As the service makes it: unsigned payloads, no checksums but those that are given. */
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;
  /** What a `sluice serve` needs to find this store. */
  readonly env: Readonly<Record<string, string>>;
  /** Leaves nothing behind: what lies under the prefix is deleted, and the bucket if it was made here. */
  close(): Promise<void>;
}

type Endpoint = Pick<StoreUnderTest, 'endpoint' | 'region' | 'credentials'> & { stop(): Promise<void> };

/** The endpoint that the environment names; without one a strict server of our own. */
async function findEndpoint(): Promise<Endpoint> {
  const { AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: region = 'us-east-1' } = process.env;
  if (!endpoint) {
    const s3 = await startStrictS3();
    const credentials = s3.clientConfig.credentials;
    return { endpoint: s3.endpoint, region: s3.clientConfig.region, credentials, stop: () => s3.close() };
  }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  if (!accessKeyId || !secretAccessKey) {
    throw new Error('AWS_ENDPOINT_URL_S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY beside it');
  }
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey }, stop: async () => undefined };
}

export async function openStoreUnderTest(): Promise<StoreUnderTest> {
  const { stop, ...found } = await findEndpoint();
  const { endpoint, region, credentials } = found;
  const client = createS3Client(found);
  const name = `sluice-test-${randomBytes(6).toString('hex')}`;
  const given = process.env['SLUICE_TEST_BUCKET'] || undefined;
  const bucket = given ?? name;
  const prefix = `${name}/`;
  const opening =
    given === undefined
      ? client.send(new CreateBucketCommand({ Bucket: name }))
      : client.send(new HeadBucketCommand({ Bucket: given }));
  const state = await outcome(opening);
  if (state !== 'accepted') throw new Error(`the bucket "${bucket}" cannot be used: ${state}`);
  return {
    ...found,
    client,
    bucket,
    prefix,
    env: {
      SLUICE_BUCKET: bucket,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    close: async () => {
      await inShort(emptyPrefix(client, bucket, prefix));
      if (given === undefined) await inShort(client.send(new DeleteBucketCommand({ Bucket: bucket })));
      client.destroy();
      await stop();
    },
  };
}

async function emptyPrefix(client: S3Client, Bucket: string, Prefix: string): Promise<void> {
  for (let isEmpty = false; !isEmpty; ) {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }));
    for (const { Key, UploadId } of Uploads) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    }
    isEmpty = Uploads.length === 0;
  }
  // MinIO lists "name/below" only when "name" is gone, so the last listing is the one that finds nothing.
  for (let isEmpty = false; !isEmpty; ) {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix }));
    isEmpty = Contents.length === 0;
    if (isEmpty) continue;
    const Delete = { Objects: Contents.map(({ Key }) => ({ Key })), Quiet: true };
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
    if (Errors.length > 0)
      throw new Error(`${Errors.length} objects cannot be deleted: ${Errors[0]?.Message}`);
  }
}
