import { crc32 } from 'node:zlib';
import { combineCrc32, crc32OfZeros, md5Hex } from './checksums.ts';
import { notImplemented } from './errors.ts';

/** The most that an object of zeros is read in one piece: it is made up for the reading. */
const MAX_ZEROS_READ = 64 * 1024 * 1024;

/** What is known of some bytes, whether or not they are kept. */
export interface Content {
  readonly size: number;
  /** Undefined where nobody can know it: of a range of a body that was discarded, and of what is made of such a range. */
  readonly crc32: number | undefined;
  /** `zeros` for an object that is large in name only; undefined when the server has discarded the bytes. */
  readonly content: Buffer | 'zeros' | undefined;
}

export function zeros(size: number): Content {
  return { size, crc32: crc32OfZeros(size), content: 'zeros' };
}

/** The bytes from `start` up to `end`; of a body that was discarded only their number is left. */
export function sliceContent(whole: Content, start: number, end: number): Content {
  if (start === 0 && end === whole.size) return whole;
  const size = end - start;
  if (whole.content === 'zeros') return zeros(size);
  if (whole.content === undefined) return { size, crc32: undefined, content: undefined };
  const content = whole.content.subarray(start, end);
  return { size, crc32: crc32(content), content };
}

export function joinContents(pieces: readonly Content[]): Content {
  const buffers = pieces.flatMap(({ content }) => (Buffer.isBuffer(content) ? [content] : []));
  const isZeros = pieces.every(({ content }) => content === 'zeros');
  return {
    size: pieces.reduce((sum, { size }) => sum + size, 0),
    crc32: pieces.reduce<number | undefined>(
      (sum, piece) =>
        sum === undefined || piece.crc32 === undefined
          ? undefined
          : combineCrc32(sum, piece.crc32, piece.size),
      0,
    ),
    content: isZeros ? 'zeros' : buffers.length === pieces.length ? Buffer.concat(buffers) : undefined,
  };
}

/** Throws for bytes that were discarded, rather than pass for an empty object. */
export function readContent(name: string, whole: Content, start = 0, end = whole.size): Buffer {
  if (Buffer.isBuffer(whole.content)) return whole.content.subarray(start, end);
  if (whole.content === undefined) throw notImplemented(`reading ${name}: its body was discarded`);
  if (end - start <= MAX_ZEROS_READ) return Buffer.alloc(end - start);
  throw notImplemented(`reading more than ${MAX_ZEROS_READ} bytes of ${name}, which is zeros, at once`);
}

/** The MD5 that stands in the ETag of a copy; one that cannot be computed is made up, the same for the same range. */
export function md5OfCopy(source: { readonly etag: string }, range: string, { content }: Content): string {
  return md5Hex(Buffer.isBuffer(content) ? content : Buffer.from(`${source.etag} ${range}`));
}
