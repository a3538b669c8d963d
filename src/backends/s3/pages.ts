import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { decodeKey } from './keys.ts';
import { type ObjectStore, unquote } from './store.ts';

/** One object as a listing shows it. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  readonly lastModified: Date | undefined;
}

/** Every object below a prefix, in S3's order: that of the keys' UTF-8 bytes. One page at a time is held. */
export async function* pagesBelow(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  const request = { Bucket: store.bucket, Prefix: prefix, EncodingType: 'url' as const };
  const sends = signal === undefined ? {} : { abortSignal: signal };
  for await (const page of paginateListObjectsV2({ client: store.client }, request, sends)) {
    yield (page.Contents ?? []).map(({ Key = '', Size = 0, ETag, LastModified }) => ({
      key: decodeKey(Key, page.EncodingType),
      size: Size,
      etag: unquote(ETag),
      lastModified: LastModified,
    }));
  }
}
