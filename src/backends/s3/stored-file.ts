import type { StoredFile } from '../../contract/types.ts';
import { toBase64 } from './checksum.ts';
import { type ObjectStore, unquote } from './store.ts';

/** What S3 answered to the request that made an object, in the contract's words. */
export function toStoredFile(
  store: ObjectStore,
  key: string,
  size: number,
  crc: number,
  answer: { readonly ETag?: string | undefined; readonly VersionId?: string | undefined },
): StoredFile {
  return {
    size,
    location: { bucket: store.bucket, key },
    checksum: { algorithm: 'CRC32', value: toBase64(crc), type: 'FULL_OBJECT' },
    ...(answer.ETag === undefined ? {} : { etag: unquote(answer.ETag) }),
    ...(answer.VersionId === undefined ? {} : { versionId: answer.VersionId }),
  };
}
