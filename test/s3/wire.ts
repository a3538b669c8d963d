import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  type CreateMultipartUploadCommandOutput,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  ListPartsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3ServiceException,
  UploadPartCommand,
  type UploadPartCommandInput,
  UploadPartCopyCommand,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import type { StoreUnderTest } from './store-under-test.ts';

export const MiB = 1024 * 1024;
export const MIN_PART = 5 * MiB;
/** How our backend creates its uploads. */
export const FULL_OBJECT = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;

/** As S3 writes a CRC32: base64 of the four bytes, big-endian. */
export function crc32Of(bytes: Buffer | string): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

/** `412 PreconditionFailed` of a request that S3 refuses; `accepted` of one that it takes. */
export async function outcome(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'accepted';
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

export interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
  readonly ChecksumCRC32?: string | undefined;
}

/** The SDK's errors hold the whole connection; of one that no fact expects the answer's own words are enough. */
export async function inShort<T>(request: Promise<T>): Promise<T> {
  return await request.catch((error: unknown) => {
    if (!(error instanceof S3ServiceException)) throw error;
    throw new Error(`${error.$metadata.httpStatusCode} ${error.name}: ${error.message}`);
  });
}

/** What the facts say to S3, in the SDK's words, below a prefix of their own. */
export class Wire {
  readonly client: StoreUnderTest['client'];
  readonly Bucket: string;
  readonly prefix: string;

  constructor({ client, bucket }: Pick<StoreUnderTest, 'client' | 'bucket'>, prefix: string) {
    this.client = client;
    this.Bucket = bucket;
    this.prefix = prefix;
  }

  key(name: string): string {
    return this.prefix + name;
  }

  /** As x-amz-copy-source has it. */
  source(name: string): string {
    return `${this.Bucket}/${this.key(name).split('/').map(encodeURIComponent).join('/')}`;
  }

  put(name: string, Body: Buffer | string, more: Partial<PutObjectCommandInput> = {}) {
    const body = Buffer.from(Body);
    return this.client.send(
      new PutObjectCommand({ Bucket: this.Bucket, Key: this.key(name), Body: body, ...more }),
    );
  }

  async get(name: string, more: Partial<GetObjectCommandInput> = {}): Promise<Buffer> {
    const { Body } = await this.client.send(
      new GetObjectCommand({ Bucket: this.Bucket, Key: this.key(name), ...more }),
    );
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async text(name: string, more: Partial<GetObjectCommandInput> = {}): Promise<string> {
    return (await this.get(name, more)).toString();
  }

  head(name: string) {
    return this.client.send(
      new HeadObjectCommand({ Bucket: this.Bucket, Key: this.key(name), ChecksumMode: 'ENABLED' }),
    );
  }

  copy(from: string, to: string, more: Partial<CopyObjectCommandInput> = {}) {
    const CopySource = this.source(from);
    return this.client.send(
      new CopyObjectCommand({ Bucket: this.Bucket, Key: this.key(to), CopySource, ...more }),
    );
  }

  delete(name: string) {
    return this.client.send(new DeleteObjectCommand({ Bucket: this.Bucket, Key: this.key(name) }));
  }

  deleteAll(names: readonly string[]) {
    const Objects = names.map((name) => ({ Key: this.key(name) }));
    return this.client.send(new DeleteObjectsCommand({ Bucket: this.Bucket, Delete: { Objects } }));
  }

  /** Keys and common prefixes below the prefix of this fact, that prefix taken off, page by page. */
  async listPages(more: Partial<ListObjectsV2CommandInput> = {}) {
    const pages: { keys: string[]; directories: string[] }[] = [];
    const bare = (key: string | undefined) => (key ?? '').slice(this.prefix.length);
    let ContinuationToken: string | undefined;
    do {
      const page = await this.client.send(
        new ListObjectsV2Command({ Bucket: this.Bucket, Prefix: this.prefix, ContinuationToken, ...more }),
      );
      pages.push({
        keys: (page.Contents ?? []).map(({ Key }) => bare(Key)),
        directories: (page.CommonPrefixes ?? []).map(({ Prefix }) => bare(Prefix)),
      });
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return pages;
  }

  async names(): Promise<string[]> {
    return (await this.listPages()).flatMap(({ keys }) => keys);
  }

  /** The ids of uploads that are open below this fact's prefix, or of one key alone. */
  async openUploads(name = ''): Promise<(string | undefined)[]> {
    const command = new ListMultipartUploadsCommand({ Bucket: this.Bucket, Prefix: this.key(name) });
    return ((await this.client.send(command)).Uploads ?? []).map(({ UploadId }) => UploadId);
  }

  async create(
    name: string,
    more: Partial<CreateMultipartUploadCommandInput> = FULL_OBJECT,
  ): Promise<WireUpload> {
    const Key = this.key(name);
    const created = await this.client.send(
      new CreateMultipartUploadCommand({ Bucket: this.Bucket, Key, ...more }),
    );
    return new WireUpload(this, { Bucket: this.Bucket, Key, UploadId: created.UploadId }, created);
  }
}

type UploadName = { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };

/** A multipart upload that a fact has begun. */
export class WireUpload {
  readonly #wire: Wire;
  readonly name: UploadName;
  readonly created: CreateMultipartUploadCommandOutput;

  constructor(wire: Wire, name: UploadName, created: CreateMultipartUploadCommandOutput) {
    this.#wire = wire;
    this.name = name;
    this.created = created;
  }

  /** A part with its CRC32, as our backend sends it. */
  async part(
    PartNumber: number,
    Body: Buffer,
    more: Partial<UploadPartCommandInput> = {},
  ): Promise<SentPart> {
    const checksum = { ChecksumCRC32: crc32Of(Body) };
    const command = new UploadPartCommand({ ...this.name, PartNumber, Body, ...checksum, ...more });
    const { ETag, ChecksumCRC32 } = await this.#wire.client.send(command);
    return { PartNumber, ETag, ChecksumCRC32 };
  }

  async copy(
    PartNumber: number,
    from: string,
    more: Partial<UploadPartCopyCommandInput> = {},
  ): Promise<SentPart> {
    const CopySource = this.#wire.source(from);
    const command = new UploadPartCopyCommand({ ...this.name, PartNumber, CopySource, ...more });
    const { CopyPartResult } = await this.#wire.client.send(command);
    return { PartNumber, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32 };
  }

  complete(parts: readonly SentPart[], more: Partial<CompleteMultipartUploadCommandInput> = {}) {
    const Parts = [...parts];
    return this.#wire.client.send(
      new CompleteMultipartUploadCommand({ ...this.name, MultipartUpload: { Parts }, ...more }),
    );
  }

  listParts(more: { readonly MaxParts?: number; readonly PartNumberMarker?: string } = {}) {
    return this.#wire.client.send(new ListPartsCommand({ ...this.name, ...more }));
  }

  abort() {
    return this.#wire.client.send(new AbortMultipartUploadCommand(this.name));
  }
}
