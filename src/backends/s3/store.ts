import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Scope } from '../../contract/context.ts';
import type { ObjectSource } from './contents.ts';
import { isNotFound } from './errors.ts';
import { ALL_FEATURES, type Features } from './features.ts';
import { inParallel } from './in-parallel.ts';
import { decodeKey, STAGING_PREFIX } from './keys.ts';
import { type ObjectRange, readObject } from './read-object.ts';

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

/** Deletions of one key each that are under way at once. */
const PARALLEL_DELETIONS = 16;

/** Everything that XML 1.0 can write (https://www.w3.org/TR/xml/#charsets); the SDK escapes what it has to of that. */
const XML_TEXT = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** The bucket and the client: the handful of S3 calls that more than one operation makes. */
export class ObjectStore {
  readonly client: S3Client;
  readonly bucket: string;
  /** Below which the objects of unfinished work lie. */
  readonly stagingPrefix: string;
  readonly #detect: (store: ObjectStore) => Promise<Features>;
  #features: Promise<Features> | undefined;

  /** `detect` finds out what the store can do; without one it is taken for Amazon's. */
  constructor(
    client: S3Client,
    bucket: string,
    detect = async (_: ObjectStore) => ALL_FEATURES,
    stagingPrefix = STAGING_PREFIX,
  ) {
    this.client = client;
    this.bucket = bucket;
    this.stagingPrefix = stagingPrefix;
    this.#detect = detect;
  }

  /** The same store, whose calls belong to a scope. */
  within(scope: Scope | undefined): ObjectStore {
    if (scope === undefined) return this;
    const { client } = this;
    const send = (...args: Parameters<S3Client['send']>) => scope.run(() => client.send(...args));
    const scoped: S3Client = Object.create(client, { send: { value: send } });
    return this.with({ client: scoped });
  }

  /** The same store but for what is given. What it can do is found out by this one, for all of them. */
  with({
    client = this.client,
    bucket = this.bucket,
    stagingPrefix = this.stagingPrefix,
  }: Partial<Pick<ObjectStore, 'client' | 'bucket' | 'stagingPrefix'>>): ObjectStore {
    return new ObjectStore(client, bucket, () => this.features(), stagingPrefix);
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

  /** `length` bytes from `offset`, fewer at the end of the object, none past it; the whole object without a range. */
  async get(key: string, range: ObjectRange = {}): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    try {
      for await (const bytes of readObject(this, key, range)) pieces.push(bytes);
    } catch (error) {
      if (!isPastTheEnd(error)) throw error;
    }
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }

  /** `length` bytes of an object as they arrive: all of them, or it fails. */
  async *stream(source: ObjectSource, length: number): AsyncGenerator<Uint8Array> {
    const { key, offset, etag } = source;
    let left = length;
    for await (const bytes of readObject(this, key, { offset, length, etag })) {
      yield bytes;
      left -= bytes.length;
    }
    if (left > 0) throw new Error(`the object ended ${left} bytes early`);
  }

  async putEmpty(key: string): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: new Uint8Array(0) }));
  }

  /**
   * Deletes any number of keys; one that is missing is no failure. A key that no XML can hold, and that would have S3 refuse the
   * whole request (`MalformedXML`), is deleted by itself.
   */
  async deleteAll(keys: readonly string[]): Promise<void> {
    const others = keys.filter((key) => !XML_TEXT.test(key));
    await inParallel(others, PARALLEL_DELETIONS, (key) => this.delete(key));
    await this.#deleteTogether(others.length === 0 ? keys : keys.filter((key) => XML_TEXT.test(key)));
  }

  async #deleteTogether(keys: readonly string[]): Promise<void> {
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
