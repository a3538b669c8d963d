/**
 * Slices that may be held before they are joined: the objects around a packet that drips in byte by byte would take
 * a hundred times its memory.
 */
const MAX_SLICES = 64;

/** A packet of which the rest may not have arrived. */
export interface PartialPacket {
  /** Bytes of the whole packet, its length field left out. */
  readonly length: number;
  /** Its first bytes, as far as they are there and were asked for. */
  readonly start: Buffer;
}

/**
 * Cuts the byte stream of the subsystem channel into packets (draft-ietf-secsh-filexfer-02, section 3:
 * a uint32 length, then that many bytes of type and body).
 *
 * A packet comes out as the slices it arrived in. One that is not whole yet can be looked at, and taken in pieces as they come: the
 * payload of a WRITE is never joined just to be copied again into a part buffer.
 */
export class PacketFramer {
  readonly #maxPacketBytes: number;
  #chunks: Buffer[] = [];
  /** Bytes of the first chunk that have been taken. */
  #position = 0;
  #available = 0;

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Bytes held that do not make a whole packet yet, or have not been taken. */
  get bufferedBytes(): number {
    return this.#available;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#chunks.length === MAX_SLICES) {
      this.#chunks = [this.#view(0, this.#available)];
      this.#position = 0;
    }
    this.#chunks.push(chunk);
    this.#available += chunk.length;
  }

  /** Makes a copy of what is left of the chunk that was pushed last: the caller uses its memory for something else. */
  keep(): void {
    const last = this.#chunks.length - 1;
    const chunk = this.#chunks[last];
    if (chunk === undefined) return;
    const from = last === 0 ? this.#position : 0;
    if (last === 0) this.#position = 0;
    this.#chunks[last] = Buffer.from(chunk.subarray(from));
  }

  /**
   * The next whole packet without its length field, or undefined when more bytes are needed.
   * @throws FramingError when the announced length is 0 or over the limit: the stream cannot be trusted further.
   */
  next(): Buffer[] | undefined {
    if (this.#available < 4) return undefined;
    const length = this.#length();
    if (this.#available < 4 + length) return undefined;
    this.skip(4);
    const slices: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      const slice = this.piece(missing) as Buffer;
      slices.push(slice);
      missing -= slice.length;
    }
    return slices;
  }

  /**
   * The packet that is next, and up to `bytes` of it; undefined before its length is known.
   * @throws FramingError as `next` does.
   */
  peek(bytes: number): PartialPacket | undefined {
    if (this.#available < 4) return undefined;
    const length = this.#length();
    return { length, start: this.#view(4, Math.min(4 + bytes, 4 + length, this.#available)) };
  }

  /** Passes over bytes that are there: of a packet that is taken in pieces, its length field and its head. */
  skip(bytes: number): void {
    const first = this.#chunks[0];
    if (first !== undefined && this.#position + bytes < first.length) {
      this.#position += bytes;
      this.#available -= bytes;
      return;
    }
    for (let missing = bytes; missing > 0; ) missing -= this.piece(missing)?.length ?? missing;
  }

  /** Up to `bytes` of what is there, as one slice: a piece of a packet that was begun. */
  piece(bytes: number): Buffer | undefined {
    const first = this.#chunks[0];
    if (first === undefined || bytes === 0) return undefined;
    const from = this.#position;
    const to = Math.min(from + bytes, first.length);
    this.#available -= to - from;
    this.#position = to;
    if (to === first.length) {
      this.#chunks.shift();
      this.#position = 0;
    }
    return from === 0 && to === first.length ? first : first.subarray(from, to);
  }

  #length(): number {
    const first = this.#chunks[0] as Buffer;
    const isWhole = this.#position + 4 <= first.length;
    const length = isWhole ? first.readUInt32BE(this.#position) : this.#view(0, 4).readUInt32BE(0);
    if (length === 0 || length > this.#maxPacketBytes) {
      throw new FramingError(`a packet of ${length} bytes; the limit is ${this.#maxPacketBytes}`);
    }
    return length;
  }

  /** Bytes that are there, as one slice, and left there. */
  #view(from: number, to: number): Buffer {
    const first = this.#chunks[0] as Buffer;
    const at = this.#position;
    if (at + to <= first.length) return first.subarray(at + from, at + to);
    return Buffer.concat([first.subarray(at), ...this.#chunks.slice(1)], to).subarray(from);
  }
}

/** The stream is not SFTP, or a client ignores the packet limit: the channel has to be closed. */
export class FramingError extends Error {
  override name = 'FramingError';
}
