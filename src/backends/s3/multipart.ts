import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { StoredFile } from '../../contract/types.ts';
import { combineCrc32, crc32, fromBase64, toBase64 } from './checksum.ts';
import type { WriteCondition } from './conditions.ts';
import type { ObjectSource } from './contents.ts';
import { isNotFound } from './errors.ts';
import { CHECKED } from './features.ts';
import { type ObjectHeaders, type ObjectStore, toCopySource, unquote } from './store.ts';
import { type Completion, findStored, mayBeDone, type Proof, toStoredFile } from './stored-file.ts';

export interface MultipartOptions {
  readonly store: ObjectStore;
  readonly key: string;
  /** Judged at completion. */
  readonly condition?: WriteCondition;
  /** Asked when the upload is created, which is when S3 takes them. */
  readonly headers?: () => ObjectHeaders;
  /** Cancels parts in flight. */
  readonly signal: AbortSignal;
}

interface SentPart {
  readonly etag: string;
  /** Undefined for a copied part whose CRC32 the store has not told. */
  readonly crc: number | undefined;
  /** Bytes. */
  readonly length: number;
}

interface Created {
  readonly uploadId: string;
  /** Whether the store verifies CRC32s: it says so when the upload is created; older S3-compatible ones do not. */
  readonly verifies: boolean;
}

/**
 * One S3 multipart upload, begun with its first part and ended by `complete`, or by `abort` when that is not to be or has failed
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Every part carries its CRC32, and the
 * completion that of the whole object, so S3 itself verifies what arrived; a store that could not copy parts then
 * verifies each part alone (see Features). A part that is sent again replaces the earlier one; nobody sends
 * the same part twice at once. Parts are counted from 0 here, from 1 by S3.
 */
export class MultipartUpload {
  readonly #options: MultipartOptions;
  readonly #parts = new Map<number, SentPart>();
  #created: Promise<Created> | undefined;

  constructor(options: MultipartOptions) {
    this.#options = options;
  }

  /** `body` must not change before this settles. */
  async sendPart(index: number, body: Buffer, crc: number): Promise<void> {
    const { store, key, signal } = this.#options;
    const { uploadId } = await this.#create();
    const answer = await store.client.send(
      new UploadPartCommand({
        Bucket: store.bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: index + 1,
        Body: body,
        ContentLength: body.length,
        ChecksumCRC32: toBase64(crc),
      }),
      { abortSignal: signal },
    );
    this.#parts.set(index, { etag: answer.ETag ?? '', crc, length: body.length });
  }

  /** Makes a part of `length` bytes of an object, at most 5 GiB: within the store where it can do that. */
  async copyPart(index: number, source: ObjectSource, length: number): Promise<void> {
    const { store, key, signal } = this.#options;
    const { partCopies } = await store.features();
    if (!partCopies) return await this.#relayPart(index, source, length);
    const { uploadId, verifies } = await this.#create();
    const answer = await store.client.send(
      new UploadPartCopyCommand({
        Bucket: store.bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: index + 1,
        CopySource: toCopySource(store.bucket, source.key),
        CopySourceIfMatch: `"${source.etag}"`,
        CopySourceRange: `bytes=${source.offset}-${source.offset + length - 1}`,
      }),
      { abortSignal: signal },
    );
    const { ETag, ChecksumCRC32 } = answer.CopyPartResult ?? {};
    const crc = verifies && ChecksumCRC32 !== undefined ? fromBase64(ChecksumCRC32) : undefined;
    this.#parts.set(index, { etag: ETag ?? '', crc, length });
  }

  /** Makes the object of the first `count` parts, `size` bytes; each of them must have been sent. */
  async complete(count: number, size: number): Promise<StoredFile> {
    const { store, key, condition } = this.#options;
    const { uploadId, verifies } = await this.#create();
    const parts = Array.from({ length: count }, (_, index) => this.#part(index));
    const sent = parts.reduce((sum, { length }) => sum + length, 0);
    if (sent !== size) throw new Error(`parts of ${sent} bytes for an object of ${size}`);
    const crc = combined(parts);
    const command = new CompleteMultipartUploadCommand({
      Bucket: store.bucket,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: {
        Parts: parts.map((part, index) => ({
          PartNumber: index + 1,
          ETag: part.etag,
          ...(verifies && part.crc !== undefined ? { ChecksumCRC32: toBase64(part.crc) } : {}),
        })),
      },
      ...(verifies && crc !== undefined ? { ChecksumCRC32: toBase64(crc), ChecksumType: 'FULL_OBJECT' } : {}),
      MpuObjectSize: size,
      ...condition,
    });
    return toStoredFile(store, key, size, crc, await this.#send(command, size, crc, toEtag(parts)));
  }

  /**
   * Leaves nothing in S3 but an object that was completed. Call it only when no part is in flight: one that arrives
   * later would stay. A second call changes nothing.
   */
  async abort(): Promise<void> {
    if (this.#created === undefined) return;
    const { store, key } = this.#options;
    const created = await this.#created.catch(() => undefined);
    if (created === undefined) return;
    const { uploadId } = created;
    try {
      await store.client.send(
        new AbortMultipartUploadCommand({ Bucket: store.bucket, Key: key, UploadId: uploadId }),
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The same through this process, a piece at a time: none of it is kept, so it is not sent again either. */
  async #relayPart(index: number, source: ObjectSource, length: number): Promise<void> {
    const { store, key, signal } = this.#options;
    const { uploadId } = await this.#create();
    let crc = 0;
    const pieces = async function* () {
      for await (const piece of store.stream(source, length)) {
        crc = crc32(Buffer.from(piece.buffer, piece.byteOffset, piece.length), crc);
        yield piece;
      }
    };
    const body = Readable.from(pieces(), { objectMode: false });
    // The SDK does not look after its source: the request of one that fails would wait for the rest.
    const cut = new AbortController();
    body.once('error', () => cut.abort());
    const command = new UploadPartCommand({
      Bucket: store.bucket,
      Key: key,
      UploadId: uploadId,
      PartNumber: index + 1,
      Body: body,
      ContentLength: length,
    });
    try {
      const answer = await store.client.send(command, { abortSignal: AbortSignal.any([signal, cut.signal]) });
      this.#parts.set(index, { etag: answer.ETag ?? '', crc, length });
    } catch (error) {
      throw body.errored ?? error;
    } finally {
      body.destroy();
    }
  }

  #part(index: number): SentPart {
    const part = this.#parts.get(index);
    if (part === undefined) throw new Error(`part ${index + 1} is missing`);
    return part;
  }

  /** Without the abort signal: an upload whose id never became known could not be aborted. */
  #create(): Promise<Created> {
    this.#created ??= this.#begin();
    return this.#created;
  }

  async #begin(): Promise<Created> {
    const { store, key, headers } = this.#options;
    const { checkedPartCopies } = await store.features();
    const answer = await store.client.send(
      new CreateMultipartUploadCommand({
        Bucket: store.bucket,
        Key: key,
        ...(checkedPartCopies ? CHECKED : {}),
        ...headers?.(),
      }),
    );
    if (answer.UploadId === undefined) throw new Error('CreateMultipartUpload answered without an UploadId');
    return { uploadId: answer.UploadId, verifies: answer.ChecksumAlgorithm === 'CRC32' };
  }

  /**
   * Completes, and believes it only when the store has confirmed the checksum; otherwise, or when the answer to
   * an earlier attempt was lost, the object itself decides. Before it is looked at the upload is aborted: it may not
   * be completed, even if an older object of the same bytes is there, or the store may still be at it.
   */
  async #send(
    command: CompleteMultipartUploadCommand,
    size: number,
    crc: number | undefined,
    etag: string,
  ): Promise<Completion> {
    const { store, key } = this.#options;
    // A store that cannot be asked either leaves it unknown: then the first error is the one to report.
    const find = (proof?: Proof) => findStored(store, key, size, crc, proof).catch(() => undefined);
    try {
      const answer = await store.client.send(command);
      if (crc !== undefined && answer.ChecksumCRC32 === toBase64(crc)) return answer;
    } catch (failure) {
      if (!mayBeDone(failure)) throw failure;
      await this.abort().catch(() => undefined);
      const stored = await find({ etag });
      if (stored === undefined) throw failure;
      return stored;
    }
    const stored = await find();
    if (stored !== undefined) return stored;
    throw new Error(`the stored object is not the one of ${size} bytes that was uploaded`);
  }
}

/** The ETag that most stores give an object of several parts: the MD5 of their MD5s, and how many. */
function toEtag(parts: readonly SentPart[]): string {
  const sums = parts.map(({ etag }) => Buffer.from(unquote(etag), 'hex'));
  return `${createHash('md5').update(Buffer.concat(sums)).digest('hex')}-${parts.length}`;
}

/** The CRC32 of all parts joined; undefined unless that of each is known. */
function combined(parts: readonly SentPart[]): number | undefined {
  let sum: number | undefined = 0;
  for (const { crc, length } of parts) {
    sum = sum === undefined || crc === undefined ? undefined : combineCrc32(sum, crc, length);
  }
  return sum;
}
