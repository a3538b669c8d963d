/**
 * Slices that may be held before they are joined: the objects around a packet that drips in byte by byte would take
 * a hundred times its memory.
 */
const MAX_SLICES = 64;

/** A packet of which only the beginning has arrived. */
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
 * A packet comes out as the slices it arrived in, so that the payload of a WRITE is never joined just to be
 * copied again into a part buffer. One that is not whole yet can be looked at, and taken in pieces as they come.
 */
export class PacketFramer {
  readonly #maxPacketBytes: number;
  #chunks: Buffer[] = [];
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
    if (this.#chunks.length === MAX_SLICES) this.#chunks = [Buffer.concat(this.#chunks)];
    this.#chunks.push(chunk);
    this.#available += chunk.length;
  }

  /**
   * The next whole packet without its length field, or undefined when more bytes are needed.
   * @throws FramingError when the announced length is 0 or over the limit: the stream cannot be trusted further.
   */
  next(): Buffer[] | undefined {
    if (this.#available < 4) return undefined;
    const length = this.#peekLength();
    if (length === 0 || length > this.#maxPacketBytes) {
      throw new FramingError(`a packet of ${length} bytes; the limit is ${this.#maxPacketBytes}`);
    }
    if (this.#available < 4 + length) return undefined;
    this.#take(4);
    return this.#take(length);
  }

  /** The packet that `next` waits for, and up to `bytes` of it; undefined before its length is known. */
  peek(bytes: number): PartialPacket | undefined {
    if (this.#available < 4) return undefined;
    const first = this.#chunks[0] as Buffer;
    const wanted = Math.min(4 + bytes, this.#available);
    const joined = first.length >= wanted ? first : Buffer.concat(this.#chunks, wanted);
    return { length: this.#peekLength(), start: joined.subarray(4, wanted) };
  }

  /** Passes over bytes that are there: of a packet that is taken in pieces, its length field and its head. */
  skip(bytes: number): void {
    this.#take(bytes);
  }

  /** Up to `bytes` of what is there, as one slice: a piece of a packet that was begun. */
  piece(bytes: number): Buffer | undefined {
    const first = this.#chunks[0];
    if (first === undefined || bytes === 0) return undefined;
    return this.#take(Math.min(bytes, first.length))[0];
  }

  #peekLength(): number {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= 4) return first.readUInt32BE(0);
    let length = 0;
    let taken = 0;
    for (const chunk of this.#chunks) {
      for (const byte of chunk) {
        length = length * 256 + byte;
        taken += 1;
        if (taken === 4) return length;
      }
    }
    return length;
  }

  #take(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    let missing = bytes;
    let used = 0;
    while (missing > 0) {
      const chunk = this.#chunks[used] as Buffer;
      if (chunk.length <= missing) {
        taken.push(chunk);
        missing -= chunk.length;
        used += 1;
      } else {
        taken.push(chunk.subarray(0, missing));
        this.#chunks[used] = chunk.subarray(missing);
        missing = 0;
      }
    }
    if (used > 0) this.#chunks.splice(0, used);
    this.#available -= bytes;
    return taken;
  }
}

/** The stream is not SFTP, or a client ignores the packet limit: the channel has to be closed. */
export class FramingError extends Error {
  override name = 'FramingError';
}
