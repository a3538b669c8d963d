import type { Message } from './channel.ts';
import { MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES } from './protocol.ts';

// A frame is two lengths (unsigned, 32 bits, big-endian), the header (JSON in UTF-8) and the payload (bytes as they are).

const LENGTHS_BYTES = 8;

/** The pieces of a frame, in order: the payload is not copied. A message without payload has the length 0 for it. */
export function toFrame({ bytes, ...header }: Message): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32BE(json.length, 0);
  lengths.writeUInt32BE(bytes?.length ?? 0, 4);
  const head = Buffer.concat([lengths, json]);
  return bytes === undefined || bytes.length === 0 ? [head] : [head, bytes];
}

/** Cuts a stream of bytes into messages. A message has no `bytes` where its frame has no payload. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  #lengths: { readonly header: number; readonly payload: number } | undefined;

  /** @throws Error for what is no frame, or one that is too large: nothing after it can be understood. */
  *read(chunk: Buffer): Generator<Message> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    for (;;) {
      this.#lengths ??= this.#takeLengths();
      if (this.#lengths === undefined) return;
      const { header, payload } = this.#lengths;
      if (this.#buffered < header + payload) return;
      this.#lengths = undefined;
      const fields: unknown = JSON.parse(this.#take(header).toString('utf8'));
      if (typeof fields !== 'object' || fields === null) throw new Error('the header is no JSON object');
      yield payload === 0 ? { ...fields } : { ...fields, bytes: this.#take(payload) };
    }
  }

  #takeLengths(): { readonly header: number; readonly payload: number } | undefined {
    if (this.#buffered < LENGTHS_BYTES) return undefined;
    const lengths = this.#take(LENGTHS_BYTES);
    const header = lengths.readUInt32BE(0);
    const payload = lengths.readUInt32BE(4);
    if (header > MAX_HEADER_BYTES) throw new Error(`a header of ${header} bytes is too large`);
    if (payload > MAX_PAYLOAD_BYTES) throw new Error(`a payload of ${payload} bytes is too large`);
    return { header, payload };
  }

  /** The next bytes, which must be there. They share memory with what came in, unless they came in several chunks. */
  #take(length: number): Buffer {
    const taken: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const chunk = this.#chunks[0] as Buffer;
      if (chunk.length <= missing) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(missing);
      const part = chunk.subarray(0, missing);
      taken.push(part);
      missing -= part.length;
    }
    this.#buffered -= length;
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
  }
}
