import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Feed, type FeedLimits } from './feed.ts';
import { createHostCheck, type Refusal, refuseForeign, SECURITY_HEADERS, toUrlHost } from './guard.ts';
import { PAGE_FOLDER, type PageFile, readPageFiles } from './page-files.ts';
import type { ConsoleSource } from './source.ts';

export interface ConsoleOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly source: ConsoleSource;
  readonly pageFolder?: string;
  readonly limits?: Partial<FeedLimits>;
}

export interface Console {
  readonly url: string;
  readonly port: number;
  /** Pages that listen at the moment. */
  readonly listenerCount: number;
  close(): Promise<void>;
}

/** Connections at once: those of the pages that listen, and what they fetch beside. */
const MAX_CONNECTIONS = 128;

const TRACE_PATH = /^\/api\/traces\/([0-9a-f]{32})$/;

/** Serves the page and what it shows, read-only. Rejects with the system's error when the port cannot be had. */
export async function startConsole({
  host,
  port,
  source,
  pageFolder = PAGE_FOLDER,
  limits = {},
}: ConsoleOptions): Promise<Console> {
  const files = await readPageFiles(pageFolder);
  const feed = new Feed(source, limits);
  const refuseHost = createHostCheck(host);

  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const refusal = refuseHost(request) ?? refuseMethod(request);
    if (refusal !== undefined) return refuse(response, refusal);
    const file = files.get(path);
    if (file !== undefined) return sendFile(request, response, file);
    const foreign = refuseForeign(request);
    if (foreign !== undefined) return refuse(response, foreign);
    if (path === '/events') return openStream(request, response, feed);
    const traceId = TRACE_PATH.exec(path)?.[1];
    if (traceId !== undefined) return sendTrace(response, source, traceId);
    refuse(response, { status: 404, sentence: 'There is nothing by that name.' });
  });
  server.maxConnections = MAX_CONNECTIONS;

  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${toUrlHost(host)}:${bound}`,
    port: bound,
    get listenerCount() {
      return feed.listenerCount;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        feed.close();
        server.closeAllConnections();
      }),
  };
}

function refuseMethod({ method }: IncomingMessage): Refusal | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined;
  return { status: 405, sentence: 'The console only shows things: GET and HEAD are all it takes.' };
}

function refuse(response: ServerResponse, { status, sentence }: Refusal): void {
  if (status === 405) response.setHeader('allow', 'GET, HEAD');
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${sentence}\n`);
}

function sendFile(request: IncomingMessage, response: ServerResponse, { type, etag, body }: PageFile): void {
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('etag', etag);
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { 'content-type': type, 'content-length': body.length });
  response.end(body);
}

function openStream(request: IncomingMessage, response: ServerResponse, feed: Feed): void {
  if (feed.isFull) {
    refuse(response, { status: 503, sentence: 'Too many pages listen already: close one of them.' });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  if (request.method === 'HEAD') response.end();
  else feed.add(response);
}

function sendTrace(response: ServerResponse, source: ConsoleSource, traceId: string): void {
  const trace = source.trace(traceId);
  response.writeHead(trace === undefined ? 404 : 200, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(trace ?? { error: 'This trace was not recorded, or is not kept any more.' }));
}
