import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AccessCheck, type Authorize } from './access.ts';
import { completeMultipartUpload } from './complete.ts';
import { copyObject } from './copy.ts';
import { S3Error } from './errors.ts';
import { beforeAnswer, beforeOperation, cutsAnswer, FaultSet, type Hit, passes } from './faults.ts';
import { dropUnknownHeaders } from './lacks.ts';
import { listMultipartUploads, listObjectsV2, listParts } from './listing.ts';
import { abortMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from './multipart.ts';
import {
  type Call,
  deleteObject,
  deleteObjects,
  getObjectTagging,
  putObject,
  type Reply,
  readObject,
} from './objects.ts';
import { Recorder } from './recorder.ts';
import { checkRequest, type Operation, parseRequest, type S3Request } from './request.ts';
import { Store } from './store.ts';
import type { RecordedRequest, S3FaultAction, StrictS3, StrictS3Options } from './types.ts';

export type * from './types.ts';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type Handler = (call: Call) => Promise<Reply>;

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  CreateBucket: async () => ({ status: 200 }),
  HeadBucket: async () => ({ status: 200, size: 0 }),
  DeleteBucket: deleteBucket,
  DeleteObjects: deleteObjects,
  ListObjectsV2: listObjectsV2,
  ListMultipartUploads: listMultipartUploads,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: readObject,
  GetObjectTagging: getObjectTagging,
  HeadObject: readObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
};

async function deleteBucket({ request, store, bucket }: Call): Promise<Reply> {
  if (bucket.objects.size > 0) {
    throw new S3Error(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty');
  }
  store.buckets.delete(request.bucket);
  return { status: 204 };
}

const everything: Authorize = () => undefined;

async function perform(request: S3Request, store: Store, authorize = everything): Promise<Reply> {
  checkRequest(request);
  const access = new AccessCheck(request, authorize);
  access.request();
  dropUnknownHeaders(request.raw, store.options.lacks);
  const { operation, key = '' } = request;
  if (operation === undefined) throw new Error('checkRequest lets no unknown operation pass');
  if (operation === 'CreateBucket') store.create(request.bucket);
  try {
    return await HANDLERS[operation]({ request, store, bucket: store.bucket(request.bucket), key, access });
  } catch (error) {
    if (error instanceof S3Error && error.code === 'NoSuchKey') access.absence();
    throw error;
  }
}

/** An S3 server in memory, on an ephemeral port, at least as strict as the real one. */
export async function startStrictS3(options: StrictS3Options = {}): Promise<StrictS3> {
  const store = new Store({
    discard: options.discard ?? false,
    minPartBytes: options.minPartBytes ?? 5 * 1024 * 1024,
    lacks: new Set(options.lacks),
    onStored: options.onStored ?? (() => undefined),
  });
  for (const bucket of options.buckets ?? []) store.create(bucket);
  const faults = new FaultSet<S3Request, S3FaultAction>();
  const recorder = new Recorder<RecordedRequest>(
    ({ operation, method, key, status }) => `${operation ?? method} ${key ?? ''} ${status ?? '(unanswered)'}`,
  );

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      // The client went away while its body was read: nothing to answer, and nobody to answer to.
      if (incoming.socket.destroyed) return;
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  // Nothing here may time out by itself: a fault hangs for as long as its test wants.
  Object.assign(server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = parseRequest(incoming);
    const record = startRecord(request, response);
    const hit = faults.take(request);
    if (!(await beforeOperation(hit, incoming))) return;
    const requestId = randomBytes(8).toString('hex').toUpperCase();
    const reply = await answerTo(request, hit, requestId, record);
    if (!(await beforeAnswer(hit, incoming))) return;
    record.status = reply.status;
    send(response, reply, requestId, cutsAnswer(hit));
  }

  function startRecord(request: S3Request, response: ServerResponse): Mutable<RecordedRequest> {
    const { operation, method, bucket, key, query, raw } = request;
    const outcome = { status: undefined, errorCode: undefined, endTime: undefined, aborted: false };
    const record = {
      operation,
      method,
      bucket,
      key,
      query,
      headers: { ...raw.headers },
      time: Date.now(),
      ...outcome,
    };
    const mutable: Mutable<RecordedRequest> = record;
    response.on('close', () => {
      mutable.endTime = Date.now();
      mutable.aborted = !response.writableFinished;
      recorder.changed(mutable);
    });
    recorder.add(mutable);
    return mutable;
  }

  async function answerTo(
    request: S3Request,
    hit: Hit<S3FaultAction> | undefined,
    requestId: string,
    record: Mutable<RecordedRequest>,
  ): Promise<Reply> {
    try {
      if (hit !== undefined && 'respond' in hit.action) throw toError(hit.action.respond);
      if (hit !== undefined && 'errorInside200' in hit.action) {
        const error = toError({ status: 200, ...hit.action.errorInside200 });
        const reply = await toReply(request, error, requestId, record);
        // S3 sends white space to keep the connection alive, until it knows how the completion ended.
        const end = hit.action.errorInside200.lineBreak ? '\n' : '';
        return { ...reply, body: `  \n${String(reply.body).replace(/^<\?xml[^>]*\?>\s*/, '')}${end}` };
      }
      return await perform(request, store, options.authorize);
    } catch (error) {
      if (request.raw.socket.destroyed) throw error;
      return toReply(request, error, requestId, record);
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    clientConfig: {
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    get requests() {
      return recorder.entries;
    },
    clearRequests: () => {
      recorder.entries = [];
    },
    objects: (bucket) => store.bucket(bucket).objects,
    openUploads: (bucket) => [...store.bucket(bucket).uploads.values()],
    seed: (bucket, key, body, seedOptions) => store.seed(bucket, key, body, seedOptions),
    waitFor: (predicate, waitOptions) => recorder.waitFor(predicate, waitOptions),
    fault: ({ operation, key, when = () => true, nth, times, ...action }) =>
      faults.add(
        (request) =>
          (operation === undefined || request.operation === operation) &&
          passes(key, request.key) &&
          when(request),
        action as S3FaultAction,
        { ...(nth === undefined ? {} : { nth }), ...(times === undefined ? {} : { times }) },
      ),
    clearFaults: () => faults.clear(),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      faults.clear();
    },
  };
}

function toError({ status, code, message }: { status: number; code: string; message?: string }): S3Error {
  return new S3Error(status, code, message ?? 'A fault that the test asked for.');
}

async function toReply(
  request: S3Request,
  error: unknown,
  requestId: string,
  record: Mutable<RecordedRequest>,
): Promise<Reply> {
  const known = error instanceof S3Error;
  const bug = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const s3Error = known ? error : new S3Error(500, 'InternalError', `A bug of the strict S3 server: ${bug}`);
  record.errorCode = s3Error.code;
  // An answer amid the request body would reach the client as a broken pipe.
  if (!request.raw.readableEnded) for await (const _ of request.raw);
  const xml = s3Error.toXml(request.path, requestId);
  return { status: s3Error.status, headers: { 'content-type': 'application/xml' }, body: xml };
}

function send(response: ServerResponse, reply: Reply, requestId: string, isCut: boolean): void {
  const body = Buffer.isBuffer(reply.body) ? reply.body : Buffer.from(reply.body ?? '');
  const hasBody = response.req.method !== 'HEAD' && reply.status !== 204 && reply.status !== 304;
  const length = hasBody ? body.length : reply.size;
  response.writeHead(reply.status, {
    'x-amz-request-id': requestId,
    'x-amz-id-2': requestId,
    ...reply.headers,
    ...(length === undefined ? {} : { 'content-length': length }),
  });
  if (!isCut) {
    response.end(hasBody ? body : undefined);
    return;
  }
  response.flushHeaders();
  response.write(body.subarray(0, body.length / 2), () => response.socket?.destroy());
}
