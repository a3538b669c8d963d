import { type Attributes, isFile, refuse, type StoredFile, type Tree } from './tree.ts';

/** Largest file that is taken. */
const MAX_BYTES = 256 * 1024 * 1024;
/** How long an upload that nobody goes on with is kept. */
const FORGET_MS = 60 * 60 * 1000;

export interface UploadOptions {
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
}

/** A file that comes to be: bytes at any offset, in nobody's sight. */
export class PendingUpload {
  size: number;
  touched = Date.now();
  readonly #tree: Tree;
  readonly #path: string;
  readonly #exclusive: boolean;
  #buffer: Buffer;

  constructor(tree: Tree, path: string, { create, exclusive, truncate }: UploadOptions) {
    const earlier = path === '/' ? tree.get(path) : tree.find(path);
    if (earlier === undefined && !create) refuse('not-found');
    if (earlier !== undefined && exclusive) refuse('exists');
    if (earlier !== undefined && !isFile(earlier)) refuse('is-a-directory');
    this.#tree = tree;
    this.#path = path;
    this.#exclusive = exclusive;
    this.#buffer = earlier === undefined || truncate ? Buffer.alloc(0) : Buffer.from(earlier.bytes);
    this.size = this.#buffer.length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.size);
  }

  write(offset: number, bytes: Buffer): void {
    const end = offset + bytes.length;
    this.#reserve(end);
    this.#buffer.set(bytes, offset);
    this.size = Math.max(this.size, end);
  }

  setSize(size: number): void {
    this.#reserve(size);
    // Past the size all is zero, so a hole needs no work when it is made.
    if (size < this.size) this.#buffer.fill(0, size, this.size);
    this.size = size;
  }

  finish(expected: number, attributes: Attributes): StoredFile {
    if (expected !== this.size) refuse('bad-request');
    return this.#tree.store(this.#path, Buffer.from(this.bytes), attributes, this.#exclusive);
  }

  #reserve(end: number): void {
    if (end > MAX_BYTES) refuse('too-large');
    if (end <= this.#buffer.length) return;
    const grown = Buffer.alloc(Math.min(MAX_BYTES, Math.max(end, this.#buffer.length * 2)));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

/** The uploads of a space, by their ids. */
export class PendingUploads {
  readonly #uploads = new Map<string, PendingUpload>();

  add(upload: PendingUpload): string {
    for (const [id, { touched }] of this.#uploads)
      if (touched < Date.now() - FORGET_MS) this.#uploads.delete(id);
    const id = crypto.randomUUID();
    this.#uploads.set(id, upload);
    return id;
  }

  get(id: string): PendingUpload {
    const upload = this.#uploads.get(id) ?? refuse('no-such-upload');
    upload.touched = Date.now();
    return upload;
  }

  delete(id: string): void {
    this.#uploads.delete(id);
  }

  get count(): number {
    return this.#uploads.size;
  }
}
