/**
 * What must stand under a key at the moment when an object is made there, as S3's requests take it
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
 */
export interface WriteCondition {
  readonly IfNoneMatch?: '*';
  readonly IfMatch?: string;
}

/** Whatever is there is replaced. */
export const ANY: WriteCondition = {};

/** Only if nothing is there. */
export const NEW: WriteCondition = { IfNoneMatch: '*' };

/** Only if it is that very object; with none, whatever is there. */
export function replacing(object: { readonly etag: string } | undefined): WriteCondition {
  return object === undefined ? ANY : { IfMatch: `"${object.etag}"` };
}
