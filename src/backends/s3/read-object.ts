import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

export interface Bucket {
  readonly client: S3Client;
  readonly bucket: string;
}

/** Which bytes of an object, and of which content. */
export interface ObjectRange {
  /** 0 when absent. */
  readonly offset?: number | undefined;
  /** Bytes; up to the end when absent. */
  readonly length?: number | undefined;
  readonly etag?: string | undefined;
  /** Makes the memory of a range that comes in one piece. */
  readonly allocate?: ((bytes: number) => Uint8Array) | undefined;
  /** Ends the read and its connection. */
  readonly signal?: AbortSignal | undefined;
}

const MAX_ATTEMPTS = 4;

/**
 * The bytes of an object as they arrive, fewer where it ends. A connection that is lost in the middle is taken up again
 * where it ended, of the same content: that of `etag`, or else of the first answer. An object that has been replaced
 * meanwhile is `PreconditionFailed`, an offset past its end `InvalidRange`.
 */
export async function* readObject(
  { client, bucket }: Bucket,
  key: string,
  { offset = 0, length, etag, allocate, signal }: ObjectRange,
): AsyncGenerator<Uint8Array> {
  if (length === 0) return;
  let at = offset;
  let end = length === undefined ? undefined : offset + length;
  let pinned = etag === undefined ? undefined : `"${etag}"`;
  for (let attempt = 1; ; attempt++) {
    const isWhole = at === 0 && end === undefined;
    const request = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      IfMatch: pinned,
      Range: isWhole ? undefined : `bytes=${at}-${end === undefined ? '' : end - 1}`,
    });
    const options = {
      ...(signal === undefined ? {} : { abortSignal: signal }),
      ...(allocate === undefined ? {} : { allocate }),
    };
    const { Body, ContentLength, ETag } = await client.send(request, options);
    if (ContentLength === undefined) throw new Error('the store did not say how much it would send');
    pinned ??= ETag;
    end = at + ContentLength;
    try {
      for await (const bytes of Body as AsyncIterable<Uint8Array>) {
        at += bytes.length;
        yield bytes;
      }
      if (at >= end) return;
      throw new Error(`the store ended at ${at} of ${end}`);
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= MAX_ATTEMPTS || pinned === undefined) throw error;
    }
  }
}
