import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { MAX_NAME_BYTES } from '../../contract/path.ts';
import { RESERVED_PREFIX } from '../../contract/prefix.ts';
import { type DirectoryEntry, directoryInfo, fileInfo } from '../../contract/types.ts';
import { DIRECTORY_MARKER, decodeKey } from './keys.ts';
import { type ObjectStore, unquote } from './store.ts';

/**
 * The entries of a directory, one S3 page (up to 1,000 keys) at a time, with size and date from the listing
 * itself: no request per entry. Yields `undefined` first when there is nothing at all below the prefix, not even
 * a marker, so that the caller can tell a missing directory from an empty one.
 *
 * Keys that no path can name (an empty, `.`, `..` or overlong segment) and the service's own are left out. Where an object
 * and a prefix share a name ("a" and "a/b") the object is listed, as `fileInfo` answers.
 */
export async function* listDirectory(
  store: ObjectStore,
  prefix: string,
): AsyncGenerator<readonly DirectoryEntry[] | undefined> {
  let token: string | undefined;
  let files = new Set<string>();
  let first = true;
  do {
    const page: ListObjectsV2CommandOutput = await store.client.send(
      new ListObjectsV2Command({
        Bucket: store.bucket,
        Prefix: prefix,
        Delimiter: '/',
        ContinuationToken: token,
        EncodingType: 'url',
      }),
    );
    if (first && (page.Contents ?? []).length + (page.CommonPrefixes ?? []).length === 0) yield undefined;
    first = false;
    const entries = [...fileEntries(page, prefix)];
    for (const { name } of entries) files.add(name);
    const directories = [...directoryEntries(page, prefix)].filter(({ name }) => !files.has(name));
    yield [...entries, ...directories];
    files = stillToMeet(files, page, prefix);
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

function* fileEntries(page: ListObjectsV2CommandOutput, prefix: string): Generator<DirectoryEntry> {
  for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
    const name = decodeKey(Key ?? '', page.EncodingType).slice(prefix.length);
    if (!isNameable(name) || name === DIRECTORY_MARKER) continue;
    yield { ...fileInfo(Size ?? 0, (LastModified?.getTime() ?? 0) / 1000, unquote(ETag)), name };
  }
}

function* directoryEntries(page: ListObjectsV2CommandOutput, prefix: string): Generator<DirectoryEntry> {
  for (const { Prefix } of page.CommonPrefixes ?? []) {
    const key = decodeKey(Prefix ?? '', page.EncodingType);
    const name = key.slice(prefix.length, -1);
    if (isNameable(name) && key !== RESERVED_PREFIX) yield { ...directoryInfo(), name };
  }
}

/** Files whose namesake prefix may still come on a later page: "a" is listed before "a-b", "a/" after it. */
function stillToMeet(files: Set<string>, page: ListObjectsV2CommandOutput, prefix: string): Set<string> {
  const last = [page.Contents?.at(-1)?.Key, page.CommonPrefixes?.at(-1)?.Prefix]
    .map((key) => Buffer.from(decodeKey(key ?? '', page.EncodingType)))
    .reduce((a, b) => (Buffer.compare(a, b) > 0 ? a : b));
  return new Set([...files].filter((name) => Buffer.compare(Buffer.from(`${prefix}${name}/`), last) > 0));
}

function isNameable(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) return false;
  return Buffer.byteLength(name) <= MAX_NAME_BYTES;
}
