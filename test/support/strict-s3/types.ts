import type { IncomingHttpHeaders } from 'node:http';
import type { Authorize } from './access.ts';
import type { ConnectionAction, Fault, Occurrence, TextTest } from './faults.ts';
import type { WaitOptions } from './recorder.ts';
import type { Operation, S3Request } from './request.ts';
import type { Feature, OpenUpload, SeedBody, SeedOptions, StoredObject } from './store.ts';

export interface StrictS3Options {
  /** Buckets that exist from the start. */
  readonly buckets?: readonly string[];
  /**
   * Keep no bodies, only sizes, CRCs and ETags: for uploads larger than memory. The CRC of a range of such a body is
   * not known any more: a part copied from one has no checksum in any answer, and a claim about an object that holds
   * one is believed.
   */
  readonly discard?: boolean;
  /** The least size of every part but the last (default 5 MiB): for tests with tiny part plans. */
  readonly minPartBytes?: number;
  /** Plays a store without these features. */
  readonly lacks?: readonly Feature[];
  /** Who may do what; without it everybody may do everything. */
  readonly authorize?: Authorize;
  /** Told of each object in the moment in which it comes to exist, before anybody can read or replace it. */
  readonly onStored?: (bucket: string, object: StoredObject) => void;
}

export interface RecordedRequest {
  /** Undefined for a request that is no operation of this server. */
  readonly operation: Operation | undefined;
  readonly method: string;
  readonly bucket: string;
  readonly key: string | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** When its headers had arrived: milliseconds since the epoch. */
  readonly time: number;
  /** Undefined until the answer has begun. */
  readonly status: number | undefined;
  readonly errorCode: string | undefined;
  /** When the answer was sent, or the connection ended. */
  readonly endTime: number | undefined;
  /** The connection ended before the answer was sent whole. */
  readonly aborted: boolean;
}

export interface RespondAction {
  /** Answer so, without doing the operation. */
  readonly respond: { readonly status: number; readonly code: string; readonly message?: string };
}

export interface ErrorInside200Action {
  /** Status 200, white space, then an error, without doing the operation: what a CompleteMultipartUpload may get. */
  readonly errorInside200: {
    readonly code: string;
    readonly message?: string;
    /** Ends in a line break: some parsers tell an error by its last characters. */
    readonly lineBreak?: boolean;
  };
}

export type S3FaultAction = ConnectionAction | RespondAction | ErrorInside200Action;

/** Hits requests of this operation (default: all) with this key (default: any). `when` is asked last: dice, for instance. */
export type S3FaultRule = {
  readonly operation?: Operation;
  readonly key?: TextTest;
  readonly when?: (request: S3Request) => boolean;
} & Occurrence &
  S3FaultAction;

export interface StrictS3 {
  readonly endpoint: string;
  /** For `new S3Client(...)`. */
  readonly clientConfig: {
    readonly endpoint: string;
    readonly region: string;
    readonly forcePathStyle: true;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** In order of arrival. */
  readonly requests: readonly RecordedRequest[];
  clearRequests(): void;
  objects(bucket: string): ReadonlyMap<string, StoredObject>;
  openUploads(bucket: string): readonly OpenUpload[];
  /** Puts an object in place without a request; `{ size }` makes one of that many zeros, large in name only. */
  seed(bucket: string, key: string, body: SeedBody, options?: SeedOptions): StoredObject;
  /** Resolves with the first request that matches, seen on arrival and again when it is answered or cut. */
  waitFor(predicate: (request: RecordedRequest) => boolean, options?: WaitOptions): Promise<RecordedRequest>;
  fault(rule: S3FaultRule): Fault;
  clearFaults(): void;
  close(): Promise<void>;
}
