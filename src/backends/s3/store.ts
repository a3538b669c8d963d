import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { isNotFound } from './errors.ts';

/** The attributes of one object that this backend uses. */
export interface ObjectHead {
  readonly size: number;
  readonly etag: string;
  /** Seconds since the epoch. */
  readonly mtime: number;
}

/** The bucket and the client: the handful of S3 calls that more than one operation makes. */
export class ObjectStore {
  readonly client: S3Client;
  readonly bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.client = client;
    this.bucket = bucket;
  }

  /** The object's attributes, or undefined when there is none of that key. */
  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const head = await this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      return {
        size: head.ContentLength ?? 0,
        etag: unquote(head.ETag),
        mtime: (head.LastModified?.getTime() ?? 0) / 1000,
      };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Up to `limit` keys (at most 1,000) that begin with a prefix, in S3's order. */
  async keysBelow(prefix: string, limit: number): Promise<string[]> {
    const page = await this.client.send(
      new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, MaxKeys: limit }),
    );
    return (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
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

  async putEmpty(key: string): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: new Uint8Array(0) }));
  }

  async delete(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }
}

/** S3 sends entity tags in quotes (RFC 9110, section 8.8.3), its events name them without. */
export function unquote(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

function isPastTheEnd(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416;
}
