import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { addExpressLane, type LaneOptions } from '../../aws/express-lane.ts';
import { WholeBodies } from '../../aws/whole-bodies.ts';
import type { AwsConfig } from '../../config/load.ts';
import { S3_EXPRESS_CALLS } from './express.ts';
import { MAX_ATTEMPTS, S3RetryStrategy } from './retries.ts';

/** Connections at once; further requests wait for one, first come, first served. */
export const MAX_SOCKETS = 256;

type RequestHandler = S3Client['config']['requestHandler'];
type HttpRequest = Parameters<RequestHandler['handle']>[0];
type HandlerOptions = Parameters<RequestHandler['handle']>[1];

/** When a connection counts as dead, in milliseconds without a byte in either direction; then it is ended. */
export interface Silence {
  /** Until it stands, TLS and all. */
  readonly connecting: number;
  readonly usual: number;
  /**
   * For copies and completions, which S3 may work on for minutes. It sends white space meanwhile where it can
   * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html), other stores need not.
   */
  readonly patient: number;
}

const SILENCE: Silence = { connecting: 5_000, usual: 30_000, patient: 600_000 };

/** Credentials may be a function that is asked for others before they expire. */
export type S3ClientOptions = Omit<AwsConfig, 'credentials'> & Pick<S3ClientConfig, 'credentials'>;

/**
 * The S3 client as uploads need it: our own CRC32s instead of the SDK's, payloads not hashed for the signature
 * (over TLS that adds nothing to the CRC32 that S3 verifies, and it is most of the SDK's CPU time), connections
 * kept, no waiting for `100 Continue` before every part, requests sent again wherever that is safe.
 */
export function createS3Client(options: S3ClientOptions, silence: Silence = SILENCE): S3Client {
  return createClient(options, createRequestHandler(silence));
}

/** One with other credentials, on the same connections: it is not to be destroyed by itself. */
export function createSibling(client: S3Client, options: S3ClientOptions): S3Client {
  return createClient(options, client.config.requestHandler);
}

function createClient(
  { endpoint, region, credentials }: S3ClientOptions,
  requestHandler: RequestHandler,
): S3Client {
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: MAX_ATTEMPTS,
    retryStrategy: new S3RetryStrategy(),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler,
    logger: QUIET,
  });
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body?: unknown; headers?: Record<string, string> };
      if (request.headers && request.body instanceof Uint8Array) {
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      }
      return next(args);
    },
    { step: 'build', name: 'sluiceUnsignedPayload', tags: ['UNSIGNED_PAYLOAD'] },
  );
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args);
        if (MAKES_OBJECT.has(commandName)) assertMade(result.output);
        return result;
      },
    // Behind the retries, so that what it throws is sent again.
    { step: 'finalizeRequest', priority: 'low', name: 'sluiceErrorInside200' },
  );
  addExpressLane(client, S3_EXPRESS_CALLS);
  return client;
}

/** What a request meets is told by its error; the SDK would write to the console besides. */
const QUIET = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Those that S3 answers by 200 before it knows how they end (https://repost.aws/knowledge-center/s3-resolve-200-internalerror). */
const MAKES_OBJECT = new Set([
  'CompleteMultipartUploadCommand',
  'CopyObjectCommand',
  'UploadPartCopyCommand',
]);

/**
 * An error inside a 200 is thrown by the SDK when the answer ends in exactly `</Error>`; with a line break behind it,
 * as another store may write it, the SDK reads an empty success. A success without an ETag is none.
 */
function assertMade(output: object): void {
  const { ETag, CopyObjectResult, CopyPartResult, $metadata } = output as {
    readonly ETag?: string;
    readonly CopyObjectResult?: { readonly ETag?: string };
    readonly CopyPartResult?: { readonly ETag?: string };
    readonly $metadata?: object;
  };
  if ((ETag ?? CopyObjectResult?.ETag ?? CopyPartResult?.ETag) !== undefined) return;
  const error = new Error('the store answered 200 and did not say what it has made');
  throw Object.assign(error, { name: 'InternalError', $metadata: { ...$metadata } });
}

/** Two of the SDK's handlers over one pool of connections: the one for all requests, and the patient one. */
function createRequestHandler({ connecting, usual, patient }: Silence): RequestHandler {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const options = {
    httpAgent: limitConnecting(new HttpAgent(agent), connecting),
    httpsAgent: limitConnecting(new HttpsAgent(agent), connecting),
  };
  const handler = createHandler({ ...options, socketTimeout: usual });
  const usually = handler.handle.bind(handler);
  const patientHandler = createHandler({ ...options, socketTimeout: patient });
  const patiently = patientHandler.handle.bind(patientHandler);
  const wholeBodies = new WholeBodies({ connecting, silence: usual, maxSockets: MAX_SOCKETS });
  const destroy = handler.destroy?.bind(handler);
  return Object.assign(handler, {
    handle: (request: HttpRequest, extras?: HandlerOptions & LaneOptions) => {
      if (extras?.wholeBytes !== undefined && !wholeBodies.isBusy)
        return wholeBodies.handle(request, extras.wholeBytes, extras);
      return mayBeSilent(request) ? patiently(request, extras) : usually(request, extras);
    },
    destroy: () => {
      destroy?.();
      wholeBodies.destroy();
    },
  });
}

/**
 * Ends a connection that does not come about in time. The SDK's own limit counts the wait for one of the agent's
 * connections too, so that those who wait fail when a store is merely busy.
 */
function limitConnecting<A extends HttpAgent>(agent: A, limitMs: number): A {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    if (!(socket instanceof Socket)) return socket;
    const timer = setTimeout(() => {
      const error = new Error(`no connection within ${limitMs} ms`);
      socket.destroy(Object.assign(error, { name: 'TimeoutError' }));
    }, limitMs);
    const stop = () => clearTimeout(timer);
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', stop).once('close', stop);
    return socket;
  };
  return agent;
}

/** The SDK makes its handler for a client; this one is for nothing else. */
function createHandler(requestHandler: S3ClientConfig['requestHandler'] & object): RequestHandler {
  return new S3Client({ requestHandler }).config.requestHandler;
}

function mayBeSilent({ method, query, headers }: HttpRequest): boolean {
  const completes = method === 'POST' && query?.['uploadId'] !== undefined;
  return completes || headers['x-amz-copy-source'] !== undefined;
}
