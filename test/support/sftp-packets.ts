/**
 * SFTP version 3 packets as a client writes and reads them (draft-ietf-secsh-filexfer-02). Made for tests and
 * sharing nothing with the codec under test.
 */

/** Bytes in hexadecimal; blanks, and whatever follows a `#` on its line, are for people. */
export function hex(text: string): Buffer {
  const digits = text.replace(/#.*$/gm, '').replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`not hexadecimal: ${digits}`);
  return Buffer.from(digits, 'hex');
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** A string field: its length, then its bytes (a string is taken as UTF-8). */
export function str(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** A whole packet: length, type, fields. */
export function packet(type: number, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.of(type), ...fields]);
  return Buffer.concat([u32(body.length), body]);
}

/** What a request carries that sets no attributes. */
export const NO_ATTRIBUTES = u32(0);

/** ATTRS with a size alone. */
export const sizeAttribute = (size: number) => Buffer.concat([u32(1), u64(size)]);

export const Flag = { READ: 1, WRITE: 2, APPEND: 4, CREAT: 8, TRUNC: 16, EXCL: 32 } as const;
/** What nearly every client opens an upload with. */
export const UPLOAD = Flag.WRITE | Flag.CREAT | Flag.TRUNC;

export const init = (version = 3) => packet(1, u32(version));
export const open = (id: number, path: string | Uint8Array, flags: number) =>
  packet(3, u32(id), str(path), u32(flags), NO_ATTRIBUTES);
export const close = (id: number, handle: string) => packet(4, u32(id), str(handle));
export const read = (id: number, handle: string, offset: number, length: number) =>
  packet(5, u32(id), str(handle), u64(offset), u32(length));
export const write = (id: number, handle: string, offset: number, data: string | Uint8Array) =>
  packet(6, u32(id), str(handle), u64(offset), str(data));
export const lstat = (id: number, path: string | Uint8Array) => packet(7, u32(id), str(path));
export const fstat = (id: number, handle: string) => packet(8, u32(id), str(handle));
export const setstat = (id: number, path: string | Uint8Array, attributes = NO_ATTRIBUTES) =>
  packet(9, u32(id), str(path), attributes);
export const fsetstat = (id: number, handle: string, attributes = NO_ATTRIBUTES) =>
  packet(10, u32(id), str(handle), attributes);
export const opendir = (id: number, path: string | Uint8Array) => packet(11, u32(id), str(path));
export const readdir = (id: number, handle: string) => packet(12, u32(id), str(handle));
export const remove = (id: number, path: string | Uint8Array) => packet(13, u32(id), str(path));
export const mkdir = (id: number, path: string | Uint8Array) => packet(14, u32(id), str(path), NO_ATTRIBUTES);
export const rmdir = (id: number, path: string | Uint8Array) => packet(15, u32(id), str(path));
export const realpath = (id: number, path: string | Uint8Array) => packet(16, u32(id), str(path));
export const stat = (id: number, path: string | Uint8Array) => packet(17, u32(id), str(path));
export const rename = (id: number, from: string | Uint8Array, to: string | Uint8Array) =>
  packet(18, u32(id), str(from), str(to));
export const readlink = (id: number, path: string | Uint8Array) => packet(19, u32(id), str(path));
export const symlink = (id: number, link: string | Uint8Array, target: string | Uint8Array) =>
  packet(20, u32(id), str(link), str(target));
export const extended = (id: number, name: string, ...fields: readonly Buffer[]) =>
  packet(200, u32(id), str(name), ...fields);

export interface ReplyAttributes {
  readonly size: number;
  readonly permissions: number;
  readonly atime: number;
  readonly mtime: number;
}

export type Reply =
  | { readonly kind: 'version'; readonly version: number; readonly extensions: readonly string[][] }
  | { readonly kind: 'status'; readonly id: number; readonly code: number; readonly message: string }
  | { readonly kind: 'handle'; readonly id: number; readonly handle: string }
  | { readonly kind: 'data'; readonly id: number; readonly bytes: Buffer }
  | { readonly kind: 'name'; readonly id: number; readonly entries: readonly ReplyName[] }
  | { readonly kind: 'attrs'; readonly id: number; readonly attributes: ReplyAttributes | undefined }
  | { readonly kind: 'extended'; readonly id: number; readonly body: Buffer };

export interface ReplyName {
  readonly filename: string;
  readonly longname: string;
  readonly attributes: ReplyAttributes | undefined;
}

/** The whole packets that `bytes` begin with, and what is left over. */
export function decodeReplies(bytes: Buffer): { readonly replies: Reply[]; readonly rest: Buffer } {
  const replies: Reply[] = [];
  let rest = bytes;
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
    const end = 4 + rest.readUInt32BE(0);
    replies.push(decodeReply(rest.subarray(4, end)));
    rest = rest.subarray(end);
  }
  return { replies, rest };
}

function decodeReply(body: Buffer): Reply {
  const fields = new Fields(body);
  const reply = decodeFields(fields, fields.u8());
  if (!fields.isAtEnd) throw new Error(`a reply with trailing bytes: ${body.toString('hex')}`);
  return reply;
}

function decodeFields(fields: Fields, type: number): Reply {
  if (type === 2) {
    const version = fields.u32();
    const extensions: string[][] = [];
    while (!fields.isAtEnd) extensions.push([fields.text(), fields.text()]);
    return { kind: 'version', version, extensions };
  }
  const id = fields.u32();
  switch (type) {
    case 101: {
      const [code, message, language] = [fields.u32(), fields.text(), fields.text()];
      if (language !== 'en') throw new Error(`a STATUS in "${language}"`);
      return { kind: 'status', id, code, message };
    }
    case 102:
      return { kind: 'handle', id, handle: fields.bytes().toString('latin1') };
    case 103:
      return { kind: 'data', id, bytes: fields.bytes() };
    case 104: {
      const entries = Array.from({ length: fields.u32() }, () => ({
        filename: fields.text(),
        longname: fields.text(),
        attributes: fields.attributes(),
      }));
      return { kind: 'name', id, entries };
    }
    case 105:
      return { kind: 'attrs', id, attributes: fields.attributes() };
    case 201:
      return { kind: 'extended', id, body: fields.rest() };
    default:
      throw new Error(`a reply of type ${type}`);
  }
}

class Fields {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#body.length;
  }

  u8(): number {
    return this.#body.readUInt8(this.#take(1));
  }

  u32(): number {
    return this.#body.readUInt32BE(this.#take(4));
  }

  bytes(): Buffer {
    const length = this.u32();
    const at = this.#take(length);
    return this.#body.subarray(at, at + length);
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  rest(): Buffer {
    return this.#body.subarray(this.#take(this.#body.length - this.#at));
  }

  /** Size, permissions and times, which is what the server knows; or none. */
  attributes(): ReplyAttributes | undefined {
    const flags = this.u32();
    if (flags === 0) return undefined;
    if (flags !== 0x0d) throw new Error(`attributes with the flags ${flags}`);
    const size = Number(this.#body.readBigUInt64BE(this.#take(8)));
    return { size, permissions: this.u32(), atime: this.u32(), mtime: this.u32() };
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#body.length)
      throw new Error(`a reply that ends early: ${this.#body.toString('hex')}`);
    this.#at += length;
    return at;
  }
}
