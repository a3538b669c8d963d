import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Content, createSpace, ROUTES, type Space } from './routes.ts';
import { REFUSALS, type Refusal, refuse, StoreError } from './tree.ts';

export interface FileStore {
  readonly url: string;
  /** By name; each begins empty, when it is first asked for. */
  space(name: string): Space;
  /** Every connection is cut, and so is every new one. */
  goAway(): void;
  /** With all that it had. */
  comeBack(): void;
  close(): Promise<void>;
}

export interface FileStoreOptions {
  /** 0 takes any that is free. */
  readonly port?: number;
  /** Who does not send it is refused; empty for nobody. */
  readonly token?: string;
  /** Sees each request before it is carried out, and may hold it up. */
  readonly onRequest?: (request: IncomingMessage) => Promise<void> | void;
}

/** The HTTP API that the backend stands on: a file store in memory, on the loopback interface. */
export async function startFileStore(options: FileStoreOptions = {}): Promise<FileStore> {
  const { port = 0, token = '', onRequest } = options;
  const spaces = new Map<string, Space>();
  const sockets = new Set<Socket>();
  let isAway = false;

  function space(name: string): Space {
    const found = spaces.get(name) ?? createSpace();
    spaces.set(name, found);
    return found;
  }

  async function answer(request: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://store');
    const [root, name = '', resource, id = '', below] = pathname.slice(1).split('/').map(decodeURIComponent);
    const body = await buffer(request);
    await onRequest?.(request);
    if (token !== '' && request.headers.authorization !== `Bearer ${token}`) return refuse('not-allowed');
    if (root === 'health') return {};
    const route = [resource, id && ':id', below].filter(Boolean).join('/');
    const run = ROUTES[`${request.method} ${route}`];
    if (root !== 'spaces' || name === '' || run === undefined) return refuse('bad-request');
    return run({ space: space(name), query, body, id });
  }

  const server = createServer(async (request, response) => {
    try {
      const result = await answer(request);
      if (result instanceof Content) sendContent(request, response, result);
      else sendJson(response, 200, result ?? {});
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      const refusal: Refusal | 'failed' = error instanceof StoreError ? error.refusal : 'failed';
      sendJson(response, refusal === 'failed' ? 500 : REFUSALS[refusal], { error: refusal });
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (isAway) socket.resetAndDestroy();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    space,
    goAway() {
      isAway = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    comeBack() {
      isAway = false;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** RFC 9110: If-Match (13.1.1) goes before Range (14.2). */
function sendContent(request: IncomingMessage, response: ServerResponse, { bytes, etag }: Content): void {
  const { 'if-match': expected, range = '' } = request.headers;
  const bounds = /^bytes=(\d+)-(\d+)$/.exec(range);
  const first = Number(bounds?.[1] ?? 0);
  const end = Math.min(Number(bounds?.[2] ?? Number.POSITIVE_INFINITY) + 1, bytes.length);
  if (expected !== undefined && expected !== etag) sendJson(response, 412, { error: 'changed' });
  else if (bounds !== null && first >= bytes.length) sendJson(response, 416, { error: 'past-the-end' });
  else {
    const headers = { 'content-length': end - first, ...(etag && { etag }) };
    const contentRange = `bytes ${first}-${end - 1}/${bytes.length}`;
    if (bounds === null) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, 'content-range': contentRange });
    response.end(bytes.subarray(first, end));
  }
}
