import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { StoredFile } from '../../contract/types.ts';
import { combineCrc32, toBase64 } from './checksum.ts';
import { isNotFound } from './errors.ts';
import { partRange } from './part-plan.ts';
import type { ObjectStore } from './store.ts';
import { type Completion, findStored, mayBeDone, toStoredFile } from './stored-file.ts';

export interface MultipartOptions {
  readonly store: ObjectStore;
  readonly key: string;
  /** Only if there is no object of that key at completion. */
  readonly exclusive: boolean;
  /** Cancels parts in flight. */
  readonly signal: AbortSignal;
}

interface SentPart {
  readonly etag: string;
  readonly crc: number;
  /** Bytes. */
  readonly length: number;
}

interface Created {
  readonly uploadId: string;
  /** Whether the store verifies CRC32s: it says so when the upload is created; older S3-compatible ones do not. */
  readonly verifies: boolean;
}

/**
 * One S3 multipart upload, begun with its first part and ended by exactly one of `complete` and `abort`
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Every part carries its CRC32 and the
 * completion that of the whole object, so S3 itself verifies what arrived.
 */
export class MultipartUpload {
  readonly #options: MultipartOptions;
  readonly #parts = new Map<number, SentPart | undefined>();
  #created: Promise<Created> | undefined;
  #sentEnd = 0;

  constructor(options: MultipartOptions) {
    this.#options = options;
  }

  get isStarted(): boolean {
    return this.#created !== undefined;
  }

  /** Where the last part sent so far ends in the object. */
  get sentEnd(): number {
    return this.#sentEnd;
  }

  /** Whether a part has gone up or is on its way. */
  hasPart(index: number): boolean {
    return this.#parts.has(index);
  }

  /** `body` must not change before this settles. */
  async sendPart(index: number, body: Buffer, crc: number): Promise<void> {
    this.#parts.set(index, undefined);
    this.#sentEnd = Math.max(this.#sentEnd, partRange(index).start + body.length);
    this.#created ??= this.#create();
    const { store, key, signal } = this.#options;
    const { uploadId, verifies } = await this.#created;
    const answer = await store.client.send(
      new UploadPartCommand({
        Bucket: store.bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: index + 1,
        Body: body,
        ContentLength: body.length,
        ...(verifies ? { ChecksumCRC32: toBase64(crc) } : {}),
      }),
      { abortSignal: signal },
    );
    this.#parts.set(index, { etag: answer.ETag ?? '', crc, length: body.length });
  }

  /** Makes the object of `size` bytes out of all parts; each of them must have been sent. */
  async complete(size: number): Promise<StoredFile> {
    if (this.#created === undefined) throw new Error('a multipart upload without parts');
    const { store, key, exclusive } = this.#options;
    const { uploadId, verifies } = await this.#created;
    const parts = [...this.#parts].sort(([a], [b]) => a - b) as [number, SentPart][];
    const crc = parts.reduce((sum, [, part]) => combineCrc32(sum, part.crc, part.length), 0);
    const command = new CompleteMultipartUploadCommand({
      Bucket: store.bucket,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: {
        Parts: parts.map(([index, part]) => ({
          PartNumber: index + 1,
          ETag: part.etag,
          ...(verifies ? { ChecksumCRC32: toBase64(part.crc) } : {}),
        })),
      },
      ...(verifies ? { ChecksumCRC32: toBase64(crc), ChecksumType: 'FULL_OBJECT' } : {}),
      MpuObjectSize: size,
      ...(exclusive ? { IfNoneMatch: '*' } : {}),
    });
    const answer = await this.#send(command, size, crc);
    return toStoredFile(store, key, size, crc, answer);
  }

  /** Leaves nothing in S3. Call it only when no part is in flight: one that arrives later would stay. */
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

  /** Without the abort signal: an upload whose id never became known could not be aborted. */
  async #create(): Promise<Created> {
    const { store, key } = this.#options;
    const answer = await store.client.send(
      new CreateMultipartUploadCommand({
        Bucket: store.bucket,
        Key: key,
        ChecksumAlgorithm: 'CRC32',
        ChecksumType: 'FULL_OBJECT',
      }),
    );
    if (answer.UploadId === undefined) throw new Error('CreateMultipartUpload answered without an UploadId');
    return { uploadId: answer.UploadId, verifies: answer.ChecksumAlgorithm === 'CRC32' };
  }

  /**
   * Completes, and believes it only when the store has confirmed the checksum; otherwise, or when the answer to
   * an earlier attempt was lost, the object itself decides.
   */
  async #send(command: CompleteMultipartUploadCommand, size: number, crc: number): Promise<Completion> {
    const { store, key } = this.#options;
    let failure: unknown = new Error(`the stored object is not the one of ${size} bytes that was uploaded`);
    try {
      const answer = await store.client.send(command);
      if (answer.ChecksumCRC32 === toBase64(crc)) return answer;
    } catch (error) {
      if (!mayBeDone(error)) throw error;
      failure = error;
    }
    const stored = await findStored(store, key, size, crc);
    if (stored === undefined) throw failure;
    return stored;
  }
}
