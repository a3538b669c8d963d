import { crc32 } from 'node:zlib';
import { encodeCrc32, md5Hex } from './checksums.ts';
import { type Content, readContent, zeros } from './content.ts';
import { invalidArgument, S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

export interface ObjectChecksum {
  readonly algorithm: 'CRC32';
  readonly type: ChecksumType;
  /** As S3 writes it: base64, with the number of parts behind a COMPOSITE one. */
  readonly value: string;
}

/** What a PutObject, CopyObject or CreateMultipartUpload says beside the content. */
export interface ObjectAttributes {
  /** Content-Type, Cache-Control and the like, by lower-case name. */
  readonly systemHeaders: Readonly<Record<string, string>>;
  /** The x-amz-meta- headers, without that prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

interface ObjectFields extends ObjectAttributes, Content {
  readonly key: string;
  /** Quoted, as on the wire. */
  readonly etag: string;
  readonly checksum: ObjectChecksum | undefined;
  /** How many parts a multipart upload put together. */
  readonly partCount?: number | undefined;
}

export class StoredObject implements ObjectFields {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** Of the whole content, whether or not the client asked S3 for a checksum. */
  readonly crc32: number | undefined;
  readonly checksum: ObjectChecksum | undefined;
  readonly partCount: number | undefined;
  readonly systemHeaders: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly content: Content['content'];
  readonly lastModified = new Date();

  constructor(fields: ObjectFields) {
    this.key = fields.key;
    this.size = fields.size;
    this.etag = fields.etag;
    this.crc32 = fields.crc32;
    this.checksum = fields.checksum;
    this.partCount = fields.partCount;
    this.systemHeaders = fields.systemHeaders;
    this.metadata = fields.metadata;
    this.tags = fields.tags;
    this.content = fields.content;
  }

  get contentType(): string {
    return this.systemHeaders['content-type'] ?? 'binary/octet-stream';
  }

  /** Throws when the server discards bodies, rather than pass for an empty object. */
  get body(): Buffer {
    return readContent(this.key, this);
  }
}

export interface Part extends Content {
  readonly partNumber: number;
  /** Quoted, as on the wire. */
  readonly etag: string;
  readonly md5: string;
  readonly lastModified: Date;
}

export interface OpenUpload extends ObjectAttributes {
  readonly uploadId: string;
  readonly key: string;
  readonly initiated: Date;
  readonly algorithm: 'CRC32' | undefined;
  readonly checksumType: ChecksumType | undefined;
  readonly parts: Map<number, Part>;
}

/** Objects by key, which remember their order: a listing of 100,000 keys takes 100 pages, each of which needs it. */
class Objects extends Map<string, StoredObject> {
  readonly #onStored: (object: StoredObject) => void;
  #sorted: readonly string[] | undefined;

  constructor(onStored: (object: StoredObject) => void) {
    super();
    this.#onStored = onStored;
  }

  override set(key: string, object: StoredObject): this {
    if (!this.has(key)) this.#sorted = undefined;
    super.set(key, object);
    this.#onStored(object);
    return this;
  }

  override delete(key: string): boolean {
    this.#sorted = undefined;
    return super.delete(key);
  }

  override clear(): void {
    this.#sorted = undefined;
    super.clear();
  }

  get sortedKeys(): readonly string[] {
    this.#sorted ??= sortByBytes([...this.keys()], (key) => key);
    return this.#sorted;
  }
}

export class Bucket {
  readonly objects: Objects;
  readonly uploads = new Map<string, OpenUpload>();

  constructor(onStored: (object: StoredObject) => void) {
    this.objects = new Objects(onStored);
  }

  /** Keys in the order of S3's listings, that of their UTF-8 bytes, from the first that is not before `from`. */
  sortedKeys(from = ''): readonly string[] {
    const keys = this.objects.sortedKeys;
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(keys[middle] ?? '', from) < 0) low = middle + 1;
      else high = middle;
    }
    return keys.slice(low);
  }
}

export function sortByBytes<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  const pairs = items.map((item) => ({ item, bytes: Buffer.from(textOf(item)) }));
  return pairs.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ item }) => item);
}

export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export type SeedBody = string | Buffer | { readonly size: number };

export interface SeedOptions {
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** False for an object that S3 has no checksum of (default true). */
  readonly checksum?: boolean;
}

/**
 * What a store may lack. `checksums`: it ignores them and never answers with one. `conditional-writes`: it ignores
 * If-Match and If-None-Match on writes. `copy-checksums`: it answers a copy, of an object or of a part, without one.
 * `checked-part-copies`: it refuses to copy a part into an upload with an algorithm, as MinIO does.
 */
export type Feature = 'checksums' | 'conditional-writes' | 'copy-checksums' | 'checked-part-copies';

export interface StoreOptions {
  /** Keep no bodies, only sizes, CRCs and ETags. */
  readonly discard: boolean;
  readonly minPartBytes: number;
  readonly lacks: ReadonlySet<Feature>;
  readonly onStored: (bucket: string, object: StoredObject) => void;
}

export class Store {
  readonly buckets = new Map<string, Bucket>();
  readonly options: StoreOptions;

  constructor(options: StoreOptions) {
    this.options = options;
  }

  create(name: string): void {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
      throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name });
    }
    if (this.buckets.has(name)) {
      throw new S3Error(
        409,
        'BucketAlreadyOwnedByYou',
        'Your request to create the bucket succeeded before.',
        {
          BucketName: name,
        },
      );
    }
    this.buckets.set(name, new Bucket((object) => this.options.onStored(name, object)));
  }

  bucket(name: string): Bucket {
    const bucket = this.buckets.get(name);
    if (bucket !== undefined) return bucket;
    throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: name });
  }

  seed(bucket: string, key: string, body: SeedBody, options: SeedOptions = {}): StoredObject {
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : undefined;
    const content: Content =
      bytes === undefined
        ? zeros((body as { size: number }).size)
        : { size: bytes.length, crc32: crc32(bytes), content: bytes };
    const { contentType, metadata = {}, tags = {}, checksum = true } = options;
    const hasChecksum = checksum && !this.options.lacks.has('checksums');
    const object = new StoredObject({
      ...content,
      key,
      etag: contentEtag(bytes ?? Buffer.from(`${bucket}/${key}`)),
      checksum: hasChecksum ? fullObjectChecksum(content.crc32) : undefined,
      systemHeaders: contentType === undefined ? {} : { 'content-type': contentType },
      metadata,
      tags,
    });
    this.bucket(bucket).objects.set(key, object);
    return object;
  }
}

const SYSTEM_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];

export function attributesOf(request: S3Request): ObjectAttributes {
  const systemHeaders: Record<string, string> = {};
  for (const name of SYSTEM_HEADERS) {
    const value = request.header(name);
    const stored = name === 'content-encoding' ? value?.replace(/(^|,\s*)aws-chunked/, '') : value;
    if (stored) systemHeaders[name] = stored;
  }
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.raw.headers)) {
    if (name.startsWith('x-amz-meta-')) metadata[name.slice('x-amz-meta-'.length)] = String(value);
  }
  const size = Object.entries(metadata).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
  if (size > 2048) {
    throw new S3Error(
      400,
      'MetadataTooLarge',
      'Your metadata headers exceed the maximum allowed metadata size',
      {
        Size: String(size),
        MaxSizeAllowed: '2048',
      },
    );
  }
  return { systemHeaders, metadata, tags: tagsOf(request) };
}

/** The tags that a write gives its object, in the form of a query string. */
export function tagsOf(request: S3Request): Readonly<Record<string, string>> {
  const header = request.header('x-amz-tagging') ?? '';
  const tags = [...new URLSearchParams(header)];
  const isLegal = tags.every(([name, value]) => name !== '' && name.length <= 128 && value.length <= 256);
  const isUnique = new Set(tags.map(([name]) => name)).size === tags.length;
  if (isLegal && isUnique && tags.length <= 10) return Object.fromEntries(tags);
  throw invalidArgument(
    'x-amz-tagging',
    header,
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag " +
      'name duplicates.',
  );
}

/** None where the CRC is not known. */
export function fullObjectChecksum(crc: number | undefined): ObjectChecksum | undefined {
  if (crc === undefined) return undefined;
  return { algorithm: 'CRC32', type: 'FULL_OBJECT', value: encodeCrc32(crc) };
}

export const quoted = (etag: string): string => `"${etag}"`;

export const contentEtag = (content: Buffer): string => quoted(md5Hex(content));
