import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { declaredCrc32 } from './call.ts';
import type { Extent } from './extents.ts';
import { answerOtlp, isOtlp } from './otlp.ts';
import { answerS3 } from './s3.ts';
import { answerSqs } from './sqs.ts';
import { type Listed, SinkStore } from './store.ts';

/** What has arrived since the sink started, but for what the server puts aside for itself. */
export interface SinkCounts {
  /** Objects made, those that replaced another or have been deleted since included. */
  objects: number;
  /** Bytes of PutObject and UploadPart bodies. */
  bytes: number;
  /** Bytes copied within the store. */
  copiedBytes: number;
  jobs: number;
  /** Requests that brought them. */
  jobRequests: number;
  traceExports: number;
  /** Spans that came with them; those that are sent again are counted again. */
  spans: number;
  metricExports: number;
  /** Requests to S3 by operation. */
  requests: Record<string, number>;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Instead of a body: one that is made while it is sent. */
  readonly made?: { readonly size: number; readonly bytes: Iterable<Buffer> };
}

/** What is there now. */
export interface SinkContents {
  readonly objects: readonly Listed[];
  readonly jobs: readonly Listed[];
  /** Multipart uploads that were neither completed nor aborted. */
  readonly openUploads: number;
}

/** Where the counts and the contents are read: not the name of any bucket. */
export const COUNTS_PATH = '/-/counts';
export const CONTENTS_PATH = '/-/contents';

/** Asked with `?path=BUCKET/KEY&bytes=N`, the sink has an object of so many made-up bytes from then on. */
export const MAKE_PATH = '/-/make';

/** Asked, the sink has no objects, no uploads and no jobs any more; the counts go on. */
export const FORGET_PATH = '/-/forget';

export interface SinkOptions {
  /** Passes before each answer, as on the way to the real S3. */
  readonly latencyMs: number;
  /** Compute the CRC32 of all that comes and refuse what is not as declared; else declarations are believed. */
  readonly verify?: boolean;
}

interface Sink {
  readonly options: SinkOptions;
  readonly store: SinkStore;
  readonly counts: SinkCounts;
  readonly jobs: Listed[];
}

export interface SinkServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * An S3, an SQS and an OTLP receiver on one port that take everything and keep no bytes, so that what is measured
 * is the server in front of them.
 */
export async function startSink(options: SinkOptions): Promise<SinkServer> {
  const counts: SinkCounts = {
    ...{ objects: 0, bytes: 0, copiedBytes: 0 },
    ...{ jobs: 0, jobRequests: 0 },
    ...{ traceExports: 0, spans: 0, metricExports: 0 },
    requests: {},
  };
  const sink: Sink = { options, counts, store: new SinkStore(), jobs: [] };
  const server = createServer((request, response) => {
    answer(sink, request).then(
      (answered) => send(response, answered),
      () => response.destroy(),
    );
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(sink: Sink, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://sink');
  if (url.pathname === COUNTS_PATH) return { status: 200, body: JSON.stringify(sink.counts) };
  if (url.pathname === CONTENTS_PATH) return { status: 200, body: JSON.stringify(contentsOf(sink)) };
  if (url.pathname === MAKE_PATH) return make(sink, url.searchParams);
  if (url.pathname === FORGET_PATH) return forget(sink);
  const answered = await route(sink, request, url);
  if (sink.options.latencyMs > 0) await sleep(sink.options.latencyMs);
  return answered;
}

function make({ store }: Sink, asked: URLSearchParams): Answer {
  store.make(asked.get('path') ?? '', Number(asked.get('bytes')));
  return { status: 200 };
}

function forget({ store, jobs }: Sink): Answer {
  store.forget();
  jobs.length = 0;
  return { status: 200 };
}

function contentsOf({ store, jobs }: Sink): SinkContents {
  return { objects: store.list(), jobs, openUploads: store.uploads.size };
}

async function route(
  { options, store, counts, jobs }: Sink,
  request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  const { method = '', headers } = request;
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const answered = answerSqs(target, await text(request));
    if (answered.jobs !== undefined) counts.jobRequests += 1;
    jobs.push(...(answered.jobs ?? []));
    counts.jobs += answered.jobs?.length ?? 0;
    return answered;
  }
  if (method === 'POST' && isOtlp(url)) {
    const { answer, spans } = answerOtlp(url, await whole(request));
    if (spans === undefined) counts.metricExports += 1;
    else counts.traceExports += 1;
    counts.spans += spans ?? 0;
    return answer;
  }
  const keep = isStaging(method, url);
  const received =
    method === 'POST'
      ? { text: await text(request), body: { size: 0, crc32: 0 } }
      : await take(request, { verify: options.verify ?? false, keep });
  const answered = answerS3(store, { method, url, headers, ...received });
  const { operation = 'unknown' } = answered;
  counts.requests[operation] = (counts.requests[operation] ?? 0) + 1;
  counts.copiedBytes += answered.copied ?? 0;
  // What the server keeps aside for itself is no upload.
  if (keep) return answered;
  counts.bytes += answered.payload ?? 0;
  if (answered.isObject) counts.objects += 1;
  return answered;
}

function send(response: ServerResponse, { status, headers, body = '', made }: Answer): void {
  response.writeHead(status, {
    'x-amz-request-id': randomUUID(),
    'content-length': made?.size ?? Buffer.byteLength(body),
    ...headers,
  });
  if (made === undefined) response.end(body);
  // Who has enough of it hangs up.
  else pipeline(Readable.from(made.bytes), response, () => undefined);
}

function isStaging(method: string, url: URL): boolean {
  return method === 'PUT' && url.pathname.includes('/.sluice/staging/') && !url.searchParams.has('uploadId');
}

async function take(request: IncomingMessage, { verify, keep }: { verify: boolean; keep: boolean }) {
  const chunks: Buffer[] = [];
  if (keep) request.on('data', (chunk: Buffer) => chunks.push(chunk));
  const body = await drop(request, verify);
  return { text: '', body, kept: keep ? Buffer.concat(chunks) : undefined };
}

/** Reads a body to its end and forgets it. Its CRC32 is computed on the way, or else what the headers say. */
function drop(request: IncomingMessage, verify: boolean): Promise<Extent> {
  return new Promise((resolve, reject) => {
    let size = 0;
    let crc = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (verify) crc = crc32(chunk, crc);
    });
    request.on('end', () => resolve({ size, crc32: verify ? crc : declaredCrc32(request.headers) }));
    request.on('error', reject);
  });
}

async function text(request: IncomingMessage): Promise<string> {
  return (await whole(request)).toString();
}

async function whole(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
