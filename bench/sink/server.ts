import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerS3 } from './s3.ts';
import { answerSqs } from './sqs.ts';

/** What has arrived since the sink started. */
export interface SinkCounts {
  objects: number;
  /** Bytes of PutObject and UploadPart bodies. */
  bytes: number;
  jobs: number;
  traceExports: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Where the counts are read: not the name of any bucket. */
export const COUNTS_PATH = '/-/counts';

export interface SinkServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * An S3, an SQS and an OTLP receiver on one port that take everything and keep nothing, so that what is measured
 * is the server in front of them. `latencyMs` passes before each answer, as on the way to the real S3.
 */
export async function startSink({ latencyMs }: { readonly latencyMs: number }): Promise<SinkServer> {
  const counts: SinkCounts = { objects: 0, bytes: 0, jobs: 0, traceExports: 0 };
  const server = createServer((request, response) => {
    answer(request, counts, latencyMs).then(
      (answered) => send(response, answered),
      () => response.destroy(),
    );
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(request: IncomingMessage, counts: SinkCounts, latencyMs: number): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://sink');
  if (url.pathname === COUNTS_PATH) return { status: 200, body: JSON.stringify(counts) };
  const answered = await route(request, url, counts);
  if (latencyMs > 0) await sleep(latencyMs);
  return answered;
}

async function route(request: IncomingMessage, url: URL, counts: SinkCounts): Promise<Answer> {
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') {
    const answered = answerSqs(target, await text(request));
    if (answered.isJob) counts.jobs += 1;
    return answered;
  }
  if (request.method === 'POST' && url.pathname === '/v1/traces') {
    await drop(request);
    counts.traceExports += 1;
    return { status: 200, headers: { 'content-type': 'application/x-protobuf' } };
  }
  const bytes = await drop(request);
  const answered = answerS3(request.method ?? '', url, request.headers);
  if (answered.isPayload) counts.bytes += bytes;
  if (answered.isObject) counts.objects += 1;
  return answered;
}

function send(response: ServerResponse, { status, headers, body = '' }: Answer): void {
  response.writeHead(status, {
    'x-amz-request-id': randomUUID(),
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Reads a body to its end and forgets it; the number of its bytes. */
function drop(request: IncomingMessage): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => resolve(bytes));
    request.on('error', reject);
  });
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
