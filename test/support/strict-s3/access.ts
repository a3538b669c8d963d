import { S3Error } from './errors.ts';
import type { Operation, S3Request } from './request.ts';

/** Whose request it is, as it claims: signatures are not verified here. */
export interface Caller {
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
}

/** One action on one resource, as policies name them, and what conditions may ask for. */
export interface Access {
  readonly action: string;
  readonly resource: string;
  /** The condition keys of the request: `s3:prefix`. */
  readonly conditions: Readonly<Record<string, string>>;
}

/** Throws an S3Error for a caller who may not. */
export type Authorize = (caller: Caller, access: Access) => void;

/** What each operation takes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html). */
const ACTIONS: Readonly<Record<Operation, string>> = {
  CreateBucket: 's3:CreateBucket',
  HeadBucket: 's3:ListBucket',
  DeleteBucket: 's3:DeleteBucket',
  DeleteObjects: 's3:DeleteObject',
  ListObjectsV2: 's3:ListBucket',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  PutObject: 's3:PutObject',
  CopyObject: 's3:PutObject',
  GetObject: 's3:GetObject',
  GetObjectTagging: 's3:GetObjectTagging',
  HeadObject: 's3:GetObject',
  DeleteObject: 's3:DeleteObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  ListParts: 's3:ListMultipartUploadParts',
};

/** What one request may do. */
export class AccessCheck {
  readonly #request: S3Request;
  readonly #authorize: Authorize;

  constructor(request: S3Request, authorize: Authorize) {
    this.#request = request;
    this.#authorize = authorize;
  }

  /** Everything that is known before the body is read. */
  request(): void {
    const { operation, bucket, key, query, header } = this.#request;
    // Each key that it names is asked for by itself.
    if (operation === undefined || operation === 'DeleteObjects') return;
    const conditions: Record<string, string> = {};
    if (query['prefix'] !== undefined) conditions['s3:prefix'] = query['prefix'];
    this.#ask(ACTIONS[operation], key === undefined ? bucket : `${bucket}/${key}`, conditions);
    const source = header('x-amz-copy-source');
    if (source !== undefined) this.#ask('s3:GetObject', decodeURIComponent(source).replace(/^\//, ''));
    const reads = header('if-match') !== undefined && operation !== 'GetObject' && operation !== 'HeadObject';
    if (reads) this.#ask('s3:GetObject', `${bucket}/${key}`);
  }

  mayDelete(key: string): boolean {
    try {
      this.#ask('s3:DeleteObject', `${this.#request.bucket}/${key}`);
      return true;
    } catch {
      return false;
    }
  }

  /** S3 tells nobody that an object is missing who could not have listed it, with its key for the prefix. */
  absence(): void {
    const { bucket, key = '' } = this.#request;
    this.#ask('s3:ListBucket', bucket, { 's3:prefix': key });
  }

  #ask(action: string, name: string, conditions: Access['conditions'] = {}): void {
    this.#authorize(callerOf(this.#request), { action, resource: `arn:aws:s3:::${name}`, conditions });
  }
}

export const accessDenied = () => new S3Error(403, 'AccessDenied', 'Access Denied');

function callerOf({ header }: S3Request): Caller {
  const [, accessKeyId = ''] = /Credential=([^/]+)\//.exec(header('authorization') ?? '') ?? [];
  return { accessKeyId, sessionToken: header('x-amz-security-token') };
}
