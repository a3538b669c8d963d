import { MAX_HANDLE_BYTES } from './constants.ts';

/** A request that cannot be read. `id` is there when at least that much could be. */
export class MalformedRequest extends Error {
  override name = 'MalformedRequest';
  readonly id: number | undefined;
  /** The handle it was about, when that could be read too. */
  readonly handle: string | undefined;

  constructor(message: string, id?: number, handle?: string) {
    super(message);
    this.id = id;
    this.handle = handle;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the primitive fields of section 3 (uint32, uint64, string) off one packet, refusing to read past its end. */
export class FieldReader {
  readonly #bytes: Buffer;
  #position: number;
  /** Set once the request id is known, so that a later fault can be answered. */
  id: number | undefined;
  #handle: string | undefined;

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes;
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  uint32(): number {
    const at = this.#advance(4);
    return this.#bytes.readUInt32BE(at);
  }

  /** A uint64 that must be a safe integer: 2^53 - 1 is past the largest object of any store. */
  uint64(): number {
    const at = this.#advance(8);
    const high = this.#bytes.readUInt32BE(at);
    if (high > 0x1fffff) throw this.malformed('an offset or size past 2^53 - 1');
    return high * 0x1_0000_0000 + this.#bytes.readUInt32BE(at + 4);
  }

  bytes(): Buffer {
    const length = this.uint32();
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A string in UTF-8. Names in other encodings are refused, never guessed. */
  text(): string {
    try {
      return utf8.decode(this.bytes());
    } catch (error) {
      if (error instanceof MalformedRequest) throw error;
      throw this.malformed('a name that is not valid UTF-8');
    }
  }

  handle(): string {
    const bytes = this.bytes();
    if (bytes.length > MAX_HANDLE_BYTES) throw this.malformed('a handle of more than 256 bytes');
    this.#handle = bytes.toString('latin1');
    return this.#handle;
  }

  malformed(what: string): MalformedRequest {
    return new MalformedRequest(what, this.id, this.#handle);
  }

  #advance(length: number): number {
    const at = this.#position;
    if (at + length > this.#bytes.length) throw this.malformed('a field runs past the end of its packet');
    this.#position = at + length;
    return at;
  }
}

/** Writes fields into one packet, its length field included. */
export class PacketWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  constructor(type: number) {
    this.#push(Buffer.of(type));
  }

  uint32(value: number): this {
    const field = Buffer.allocUnsafe(4);
    field.writeUInt32BE(value);
    return this.#push(field);
  }

  uint64(value: number | bigint): this {
    const field = Buffer.allocUnsafe(8);
    field.writeBigUInt64BE(BigInt(value));
    return this.#push(field);
  }

  text(value: string | Buffer): this {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    return this.uint32(bytes.length).#push(bytes);
  }

  packet(): Buffer {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(this.#length);
    return Buffer.concat([length, ...this.#parts], 4 + this.#length);
  }

  #push(bytes: Buffer): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}
