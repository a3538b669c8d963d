import { createReadStream } from 'node:fs';
import { crc32 } from 'node:zlib';
import { MiB } from '../sizes.ts';

export interface Checksum {
  readonly size: number;
  readonly crc32: number;
}

export async function crc32Of(pieces: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<Checksum> {
  let size = 0;
  let crc = 0;
  for await (const piece of pieces) {
    size += piece.length;
    crc = crc32(piece, crc);
  }
  return { size, crc32: crc };
}

/** @throws Error of Node when there is no such file. */
export function fileCrc32(file: string): Promise<Checksum> {
  return crc32Of(createReadStream(file, { highWaterMark: MiB }));
}
