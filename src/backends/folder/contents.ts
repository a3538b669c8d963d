import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { FileRange } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';
import { fileInfoOf, toEtag } from './stats.ts';
import type { Place } from './walk.ts';

/**
 * Calls `use` with a file opened for reading, and its size. Pipes and devices are refused before they are opened, and one that comes in
 * between does not hold up the open (O_NONBLOCK).
 * @throws FsError `ENOENT`, `EISDIR`, `EACCES`; with `etag`, `ESTALE` if the file is another one before or after.
 */
export async function reading<T>(
  { at, stats }: Place,
  etag: string | undefined,
  use: (file: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  fileInfoOf(stats);
  const file = await open(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const opened = await file.stat({ bigint: true });
    const { size } = fileInfoOf(opened);
    if (etag !== undefined && toEtag(opened) !== etag) throw replaced();
    const result = await use(file, size);
    if (etag !== undefined && toEtag(await file.stat({ bigint: true })) !== etag) throw replaced();
    return result;
  } finally {
    await file.close();
  }
}

/** Bytes of a file as {@link reading} opens it. */
export function readRange(place: Place, { offset, length, etag, allocate }: FileRange): Promise<Uint8Array> {
  return reading(place, etag, (file, size) =>
    readAt(file, offset, Math.min(length, Math.max(0, size - offset)), allocate),
  );
}

/** A way to an open file that knows no name: what system calls take that want a path. */
export function pathTo(file: FileHandle): string {
  return `/proc/self/fd/${file.fd}`;
}

/** Up to `length` bytes; fewer only at the end. */
export async function readAt(
  file: FileHandle,
  offset: number,
  length: number,
  allocate: (bytes: number) => Uint8Array = Buffer.allocUnsafeSlow,
): Promise<Uint8Array> {
  const bytes = allocate(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** write(2) may take fewer bytes than it is given. */
export async function writeAt(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

function replaced(): FsError {
  return new FsError('ESTALE', 'the file was replaced or changed');
}
