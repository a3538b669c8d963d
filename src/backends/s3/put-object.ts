import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { StoredFile } from '../../contract/types.ts';
import { toBase64 } from './checksum.ts';
import type { ObjectHeaders, ObjectStore } from './store.ts';
import { findStored, mayBeDone, toStoredFile } from './stored-file.ts';

export interface SmallObject {
  readonly key: string;
  readonly body: Buffer;
  readonly crc: number;
  /** Only if there is no object of that key. */
  readonly exclusive: boolean;
  readonly headers?: ObjectHeaders;
  readonly signal: AbortSignal;
}

/**
 * Stores an object that fits into one part by a single request, its CRC32 with it. An exclusive one that is told
 * "it exists" on a repeated attempt is looked at: it may be our own.
 */
export async function putObject(store: ObjectStore, object: SmallObject): Promise<StoredFile> {
  const { key, body, crc, exclusive, headers, signal } = object;
  const command = new PutObjectCommand({
    Bucket: store.bucket,
    Key: key,
    Body: body,
    ContentLength: body.length,
    ChecksumCRC32: toBase64(crc),
    ...headers,
    ...(exclusive ? { IfNoneMatch: '*' } : {}),
  });
  try {
    const answer = await store.client.send(command, { abortSignal: signal });
    return toStoredFile(store, key, body.length, crc, answer);
  } catch (error) {
    const stored = mayBeDone(error) ? await findStored(store, key, body.length, crc) : undefined;
    if (stored === undefined) throw error;
    return toStoredFile(store, key, body.length, crc, stored);
  }
}
