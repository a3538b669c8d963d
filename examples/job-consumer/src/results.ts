import { HeadObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { inS3Span } from './telemetry.ts';

export interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** Whether a result is there. */
export function hasResult(s3: S3Client, place: Place): Promise<boolean> {
  return inS3Span('HeadObject', place, () =>
    succeeds(404, s3.send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key }))),
  );
}

/**
 * Writes a result unless there is one: whoever comes first wins, and S3 decides who that is
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). False for who comes second.
 */
export function writeResult(s3: S3Client, place: Place, result: object): Promise<boolean> {
  const command = new PutObjectCommand({
    Bucket: place.bucket,
    Key: place.key,
    Body: `${JSON.stringify(result, null, 2)}\n`,
    ContentType: 'application/json',
    IfNoneMatch: '*',
  });
  return inS3Span('PutObject', place, () => succeeds(412, s3.send(command)));
}

/** False when S3 answers with this status, which is then no error. */
async function succeeds(refusal: number, answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === refusal) return false;
    throw error;
  }
}
