import { S3Error } from './errors.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html */
export async function* decodeAwsChunked(
  source: AsyncIterator<Buffer>,
  trailers: Record<string, string>,
): AsyncGenerator<Buffer> {
  const reader = new ChunkedReader(source);
  try {
    for (;;) {
      const head = await reader.line();
      const size = /^([0-9a-fA-F]+)(;chunk-signature=[0-9a-f]{64})?$/.exec(head ?? '')?.[1];
      if (size === undefined) throw malformedChunk();
      let left = Number.parseInt(size, 16);
      if (left === 0) break;
      while (left > 0) {
        const piece = await reader.piece(left);
        if (piece === undefined) throw malformedChunk();
        left -= piece.length;
        yield piece;
      }
      if ((await reader.line()) !== '') throw malformedChunk();
    }
    for (let line = await reader.line(); line; line = await reader.line()) {
      const colon = line.indexOf(':');
      trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
    }
  } finally {
    await source.return?.();
  }
}

const malformedChunk = () =>
  new S3Error(400, 'IncompleteBody', 'The request body is not a well-formed sequence of aws-chunked chunks.');

class ChunkedReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterator<Buffer>) {
    this.#source = source;
  }

  /** The next line without its CRLF; undefined at the end of the body. */
  async line(): Promise<string | undefined> {
    let end = this.#rest.indexOf('\r\n');
    while (end < 0) {
      const next = await this.#source.next();
      if (next.done) return undefined;
      this.#rest = Buffer.concat([this.#rest, next.value]);
      end = this.#rest.indexOf('\r\n');
    }
    const line = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    return line;
  }

  /** At most `limit` bytes, as they come; undefined at the end of the body. */
  async piece(limit: number): Promise<Buffer | undefined> {
    if (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done) return undefined;
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}
