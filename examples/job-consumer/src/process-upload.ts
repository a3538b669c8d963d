import type { S3Client } from '@aws-sdk/client-s3';
import type { UploadFinishedEvent } from 'sluice';
import { readObject } from './read-object.ts';
import { hasResult, type Place, writeResult } from './results.ts';
import { summarize } from './summarize.ts';

export type Outcome = 'processed' | 'already processed';

/**
 * Does the work of one upload and keeps its result under the event's id. However often the event comes, to however
 * many processes at once: there is one result, and it is written when the work is done. A process that dies before
 * that leaves nothing, and the next delivery does the work anew.
 */
export async function processUpload(
  { id, data }: UploadFinishedEvent,
  { s3, resultPrefix }: { readonly s3: S3Client; readonly resultPrefix: string },
): Promise<Outcome> {
  const place: Place = { bucket: data.bucket, key: `${resultPrefix}${encodeURIComponent(id)}.json` };
  if (await hasResult(s3, place)) return 'already processed';
  const summary = await readObject(s3, data, summarize);
  const { bucket, key, versionId, size } = data;
  const isFirst = await writeResult(s3, place, { id, bucket, key, versionId, size, ...summary });
  return isFirst ? 'processed' : 'already processed';
}
