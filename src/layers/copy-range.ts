import type { FileRange, Upload } from '../contract/backend.ts';
import { FsError } from '../contract/errors.ts';

/** Bytes that are fetched at once of a file that the store cannot copy by itself. */
const WINDOW_BYTES = 256 * 1024;

/**
 * Bytes of a file into an upload, through this process, a window at a time.
 * @throws FsError `ESTALE` when the file has become shorter.
 */
export async function copyRange(
  upload: Pick<Upload, 'writeChunk'>,
  read: (range: FileRange) => Promise<Uint8Array>,
  { offset, length, etag }: FileRange,
  to: number,
): Promise<void> {
  for (let done = 0; done < length; ) {
    const window = { offset: offset + done, length: Math.min(WINDOW_BYTES, length - done) };
    const bytes = await read({ ...window, ...(etag === undefined ? {} : { etag }) });
    if (bytes.length === 0) throw new FsError('ESTALE', 'the file has become shorter');
    await upload.writeChunk(to + done, bytes);
    done += bytes.length;
  }
}
