import { parse } from 'node:path/posix';
import { FsError } from '../contract/errors.ts';
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from '../contract/path.ts';

/** What stands behind the last dot of a longer ending is no file type, and may be shortened as any other name. */
const MAX_ENDING_BYTES = 32;

/**
 * `/in/report.csv` as `/in/report.20261121T213510Z-1b9d6bcd.csv`: when, in UTC, and what tells it from others of that second.
 * The ending stays last, so that whoever goes by it still does. A name that would become too long is shortened before it.
 * @throws FsError `ENAMETOOLONG` when the directory leaves no room.
 */
export function toSuffixedPath(path: string, at: Date, token: string): string {
  const { dir, base } = parse(path);
  const { name: stem, ext } = splitEnding(base);
  const second = at.toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
  const tail = `.${second.replace(/[-:]/g, '')}Z-${token}${ext}`;
  const folder = dir === '/' ? dir : `${dir}/`;
  const room = Math.min(MAX_NAME_BYTES, MAX_PATH_BYTES - Buffer.byteLength(folder)) - Buffer.byteLength(tail);
  const head = firstBytes(stem, room);
  if (head === '') throw new FsError('ENAMETOOLONG', 'no room for another name', { path });
  return folder + head + tail;
}

function splitEnding(base: string): { readonly name: string; readonly ext: string } {
  const { name, ext } = parse(base);
  return Buffer.byteLength(ext) > MAX_ENDING_BYTES ? { name: base, ext: '' } : { name, ext };
}

/** As many whole characters as fit. */
function firstBytes(text: string, bytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(Math.max(0, bytes)));
  return text.slice(0, read);
}
