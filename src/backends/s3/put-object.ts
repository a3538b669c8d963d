import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { StoredFile } from '../../contract/types.ts';
import { toBase64 } from './checksum.ts';
import type { WriteCondition } from './conditions.ts';
import type { ObjectHeaders, ObjectStore } from './store.ts';
import { findStored, mayBeDone, toStoredFile } from './stored-file.ts';

export interface SmallObject {
  readonly key: string;
  readonly body: Buffer;
  readonly crc: number;
  readonly condition: WriteCondition;
  readonly headers?: ObjectHeaders;
  readonly signal: AbortSignal;
}

/**
 * Stores an object that fits into one part by a single request, its CRC32 with it. When it is not known how that
 * ended, the object is looked at: it may be our own, even if the condition is said not to hold. Its MD5, which
 * most stores give as the ETag (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html), is worked out
 * only then.
 */
export async function putObject(store: ObjectStore, object: SmallObject): Promise<StoredFile> {
  const { key, body, crc, condition, headers, signal } = object;
  const command = new PutObjectCommand({
    Bucket: store.bucket,
    Key: key,
    Body: body,
    ContentLength: body.length,
    ChecksumAlgorithm: 'CRC32',
    ChecksumCRC32: toBase64(crc),
    ...headers,
    ...condition,
  });
  try {
    const answer = await store.client.send(command, { abortSignal: signal });
    return toStoredFile(store, key, body.length, crc, answer);
  } catch (error) {
    if (!mayBeDone(error)) throw error;
    const proof = { etag: createHash('md5').update(body).digest('hex') };
    // A store that cannot be asked either leaves it unknown: then the first error is the one to report.
    const stored = await findStored(store, key, body.length, crc, proof).catch(() => undefined);
    if (stored === undefined) throw error;
    return toStoredFile(store, key, body.length, crc, stored);
  }
}
