import { FsError } from '../../contract/errors.ts';
import type { Contents } from './contents.ts';
import type { PartBuffer } from './part-buffer.ts';
import type { ObjectStore } from './store.ts';

/**
 * Fills what is missing of a unit, up to `end` of the file, with what lies beneath: bytes of objects, else zeros.
 * @throws FsError `ESTALE` when such an object has been replaced.
 */
export async function fillHoles(
  store: ObjectStore,
  part: PartBuffer,
  contents: Contents,
  end: number,
): Promise<void> {
  for (const hole of part.holes(end)) {
    for (const piece of contents.pieces(hole)) {
      if (piece.source === undefined) {
        part.zero(piece);
        continue;
      }
      let at = piece.start;
      for await (const bytes of store.stream(piece.source, piece.end - piece.start)) {
        part.write(at, bytes);
        at += bytes.length;
      }
      if (at !== piece.end) throw new FsError('EIO', `the store gave ${at} of ${piece.end}`);
    }
  }
}
