import { noSuchKey, notImplemented, preconditionFailed } from './errors.ts';
import type { S3Request } from './request.ts';
import type { StoredObject } from './store.ts';

const bare = (etag: string): string => etag.trim().replace(/^"|"$/g, '');

function matches(header: string, etag: string): boolean {
  return header.trim() === '*' || header.split(',').some((candidate) => bare(candidate) === bare(etag));
}

/**
 * Conditional writes, judged when the object would appear:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function checkWriteConditions(
  request: S3Request,
  key: string,
  existing: StoredObject | undefined,
): void {
  const ifNoneMatch = request.header('if-none-match');
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw notImplemented('If-None-Match with an ETag on a write');
    if (existing !== undefined) throw preconditionFailed('If-None-Match');
  }
  const ifMatch = request.header('if-match');
  if (ifMatch !== undefined) {
    if (existing === undefined) throw noSuchKey(key);
    if (!matches(ifMatch, existing.etag)) throw preconditionFailed('If-Match');
  }
}

/** Whether a read is answered in full or with "304 Not Modified". */
export function checkReadConditions(request: S3Request, object: StoredObject): 'read' | 'not-modified' {
  const ifMatch = request.header('if-match');
  if (ifMatch !== undefined && !matches(ifMatch, object.etag)) throw preconditionFailed('If-Match');
  const ifNoneMatch = request.header('if-none-match');
  return ifNoneMatch !== undefined && matches(ifNoneMatch, object.etag) ? 'not-modified' : 'read';
}

export function checkCopySourceConditions(request: S3Request, source: StoredObject): void {
  const ifMatch = request.header('x-amz-copy-source-if-match');
  if (ifMatch !== undefined && !matches(ifMatch, source.etag)) {
    throw preconditionFailed('x-amz-copy-source-If-Match');
  }
  const ifNoneMatch = request.header('x-amz-copy-source-if-none-match');
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, source.etag)) {
    throw preconditionFailed('x-amz-copy-source-If-None-Match');
  }
}

export const sameEtag = (a: string, b: string): boolean => bare(a) === bare(b);
