import { madeBytes } from '../made-content.ts';
import { type Call, LAST_MODIFIED, parseRange, refused, type S3Answer } from './call.ts';
import { join } from './extents.ts';
import { elements, xml } from './xml.ts';

/** Of objects that are made up, and of staging objects: of the others nothing is kept. */
export function getObject({ store, request, path }: Call): S3Answer {
  const object = store.objects.get(path);
  if (object === undefined) return refused(404, 'NoSuchKey', 'There is no such object');
  const { kept, isMade, etag, extents } = object;
  const { size } = join(extents);
  const asked = request.headers.range;
  const range = asked === undefined ? { start: 0, end: size } : parseRange(asked);
  if (range === undefined || (range.start >= size && size > 0)) {
    return refused(416, 'InvalidRange', `The range is not valid for an object of ${size} bytes`);
  }
  const { start, end } = { start: range.start, end: Math.min(range.end, size) };
  const headers = {
    etag,
    'accept-ranges': 'bytes',
    'last-modified': LAST_MODIFIED.toUTCString(),
    ...(asked === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  };
  const status = asked === undefined ? 200 : 206;
  if (kept !== undefined) return { status, headers, body: kept.subarray(start, end) };
  if (isMade) return { status, headers, made: { size: end - start, bytes: madeBytes(start, end) } };
  return refused(501, 'NotImplemented', 'The sink keeps no bytes to read');
}

/** Those that are made up, in one page: they are few. */
export function listObjects({ store, request, bucket }: Call): S3Answer {
  const prefix = request.url.searchParams.get('prefix') ?? '';
  const keys = [...store.made].filter((path) => path.startsWith(`${bucket}/${prefix}`)).sort();
  const contents = keys.flatMap((path) => {
    const object = store.objects.get(path);
    if (object === undefined) return [];
    const fields = {
      Key: path.slice(bucket.length + 1),
      LastModified: LAST_MODIFIED.toISOString(),
      ETag: object.etag,
      Size: String(join(object.extents).size),
    };
    return [`<Contents>${elements(fields)}</Contents>`];
  });
  const head = { Name: bucket, Prefix: prefix, KeyCount: String(contents.length), IsTruncated: 'false' };
  return xml('ListBucketResult', head, ...contents);
}
