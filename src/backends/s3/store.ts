import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { ObjectSource } from './contents.ts';
import { isNotFound } from './errors.ts';
import { ALL_FEATURES, type Features } from './features.ts';
import { decodeKey } from './keys.ts';

/** What describes an object besides its bytes, as S3 takes it when the object is made. */
export interface ObjectHeaders {
  readonly Metadata?: Record<string, string>;
  readonly ContentType?: string;
  readonly ContentEncoding?: string;
  readonly ContentDisposition?: string;
  readonly ContentLanguage?: string;
  readonly CacheControl?: string;
}

/** The attributes of one object that this backend uses. */
export interface ObjectHead {
  readonly size: number;
  readonly etag: string;
  /** Seconds since the epoch. */
  readonly lastModified: number;
  readonly headers: ObjectHeaders;
}

/** DeleteObjects takes no more (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html). */
const MAX_DELETED_AT_ONCE = 1000;

const MAX_STREAM_ATTEMPTS = 4;

/** The bucket and the client: the handful of S3 calls that more than one operation makes. */
export class ObjectStore {
  readonly client: S3Client;
  readonly bucket: string;
  readonly #detect: (store: ObjectStore) => Promise<Features>;
  #features: Promise<Features> | undefined;

  /** `detect` finds out what the store can do; without one it is taken for Amazon's. */
  constructor(client: S3Client, bucket: string, detect = async (_: ObjectStore) => ALL_FEATURES) {
    this.client = client;
    this.bucket = bucket;
    this.#detect = detect;
  }

  /** Found out once; where that fails, the store is taken for Amazon's and tried again the next time. */
  features(): Promise<Features> {
    this.#features ??= this.#detect(this).catch(() => {
      this.#features = undefined;
      return ALL_FEATURES;
    });
    return this.#features;
  }

  /** The object's attributes, or undefined when there is none of that key. */
  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const head = await this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      return {
        size: head.ContentLength ?? 0,
        etag: unquote(head.ETag),
        lastModified: (head.LastModified?.getTime() ?? 0) / 1000,
        headers: toHeaders(head),
      };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Up to `limit` keys (at most 1,000) that begin with a prefix, in S3's order. */
  async keysBelow(prefix: string, limit: number): Promise<string[]> {
    const page = await this.client.send(
      new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, MaxKeys: limit, EncodingType: 'url' }),
    );
    return (page.Contents ?? []).map(({ Key = '' }) => decodeKey(Key, page.EncodingType));
  }

  /** `length` bytes from `offset`, none past the end; the whole object without a range. */
  async get(
    key: string,
    options: { readonly offset?: number; readonly length?: number; readonly etag?: string } = {},
  ): Promise<Uint8Array> {
    const { offset, length, etag } = options;
    let response: GetObjectCommandOutput;
    try {
      response = await this.client.send(
        new GetObjectCommand({
          Bucket: this.bucket,
          Key: key,
          IfMatch: etag === undefined ? undefined : `"${etag}"`,
          Range: offset === undefined ? undefined : `bytes=${offset}-${offset + (length ?? 0) - 1}`,
        }),
      );
    } catch (error) {
      if (isPastTheEnd(error)) return new Uint8Array(0);
      throw error;
    }
    return (await response.Body?.transformToByteArray()) ?? new Uint8Array(0);
  }

  /**
   * `length` bytes of an object as they arrive. A connection that is lost in the middle is taken up again where it
   * ended; an object that has been replaced is `PreconditionFailed`.
   */
  async *stream(source: ObjectSource, length: number): AsyncGenerator<Uint8Array> {
    const end = source.offset + length;
    let at = source.offset;
    for (let attempt = 1; at < end; attempt++) {
      const { Body } = await this.client.send(
        new GetObjectCommand({
          Bucket: this.bucket,
          Key: source.key,
          IfMatch: `"${source.etag}"`,
          Range: `bytes=${at}-${end - 1}`,
        }),
      );
      try {
        for await (const bytes of Body as AsyncIterable<Uint8Array>) {
          yield bytes;
          at += bytes.length;
        }
        if (at < end) throw new Error(`the store ended at ${at} of ${end}`);
      } catch (error) {
        if (attempt >= MAX_STREAM_ATTEMPTS) throw error;
      }
    }
  }

  async putEmpty(key: string): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: new Uint8Array(0) }));
  }

  /** Deletes any number of keys; one that is missing is no failure. */
  async deleteAll(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += MAX_DELETED_AT_ONCE) {
      const Objects = keys.slice(at, at + MAX_DELETED_AT_ONCE).map((Key) => ({ Key }));
      const { Errors } = await this.client.send(
        new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects, Quiet: true } }),
      );
      const failure = Errors?.[0];
      if (failure !== undefined) throw new Error(`DeleteObjects: ${failure.Code}`);
    }
  }

  /** With an `etag`, only while it is that very object; a store that knows no such condition deletes it all the same. */
  async delete(key: string, etag?: string): Promise<void> {
    const IfMatch = etag === undefined ? undefined : `"${etag}"`;
    await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key, IfMatch }));
  }
}

/** S3 sends entity tags in quotes (RFC 9110, section 8.8.3), its events name them without. */
export function unquote(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

/** An object as the source of a copy: URL-encoded, slash by slash. */
export function toCopySource(bucket: string, key: string): string {
  return `${bucket}/${key}`.split('/').map(encodeURIComponent).join('/');
}

function toHeaders(head: HeadObjectCommandOutput): ObjectHeaders {
  const { Metadata, ContentType, ContentEncoding, ContentDisposition, ContentLanguage, CacheControl } = head;
  const headers = {
    Metadata,
    ContentType,
    ContentEncoding,
    ContentDisposition,
    ContentLanguage,
    CacheControl,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

function isPastTheEnd(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416;
}
