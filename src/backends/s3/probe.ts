import { HeadBucketCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { ProbeResult } from '../../contract/probe.ts';
import type { ObjectStore } from './store.ts';

/** Whether the bucket is there and may be used. */
export async function probeBucket({ client, bucket }: ObjectStore): Promise<ProbeResult> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return { state: 'ok' };
  } catch (error) {
    return toProbeResult(error, bucket);
  }
}

function toProbeResult(error: unknown, bucket: string): ProbeResult {
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const message = error instanceof Error ? error.message || error.name : String(error);
  switch (status) {
    case 404:
      return { state: 'wrong', message: `the bucket "${bucket}" does not exist (SLUICE_BUCKET)` };
    case 403:
      return {
        state: 'wrong',
        message: `access to the bucket "${bucket}" is denied: the credentials need s3:ListBucket on it`,
      };
    case 301:
    case 400:
      return {
        state: 'wrong',
        message: `the bucket "${bucket}" is not in this region, or the request was not understood (AWS_REGION, AWS_ENDPOINT_URL_S3)`,
      };
  }
  if (/credential|region is missing/i.test(message)) {
    return { state: 'wrong', message: `the AWS SDK is not configured: ${message}` };
  }
  return { state: 'unreachable', message: `the bucket "${bucket}" cannot be reached: ${message}` };
}
