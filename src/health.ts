import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { HEADER_TIMEOUT_MS, takeProxyHeader } from './ssh/take-proxy-header.ts';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly isReady: () => boolean;
  /** Whether connections may begin with a PROXY header, as a load balancer's health checks do. */
  readonly takesProxyHeaders: boolean;
  /** Answers `/metrics`. */
  readonly answerScrape: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
}

/**
 * `/livez`: the process runs. `/readyz`: it also takes uploads; 503 while it starts and while it drains. `/metrics`: where they
 * are to be scraped.
 */
export async function startHealthServer({
  host,
  port,
  isReady,
  takesProxyHeaders,
  answerScrape,
}: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    if (request.url === '/metrics' && request.method === 'GET') {
      if (answerScrape !== undefined) return answerScrape(request, response);
      response.writeHead(404, { 'content-type': 'text/plain' });
      return void response.end('not switched on: OTEL_METRICS_EXPORTER=prometheus\n');
    }
    const answers: Record<string, boolean> = { '/livez': true, '/readyz': isReady() };
    const good = answers[request.url ?? ''];
    const status = good === undefined ? 404 : good ? 200 : 503;
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(good === undefined ? 'not found\n' : good ? 'ok\n' : 'not ready\n');
  });
  if (takesProxyHeaders) takeProxyHeaders(server);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * A load balancer that sends PROXY headers begins its health checks with one too
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html#proxy-protocol). Others go on
 * asking without. To guess like this would be wrong where anything came of the address that a header claims; here nothing does.
 */
function takeProxyHeaders(server: Server): void {
  const answer = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    takeProxyHeader(socket, HEADER_TIMEOUT_MS, (taken) => {
      if (taken === 'late') return void socket.destroy();
      for (const listener of answer) listener.call(server, socket);
      socket.resume();
    });
  });
}
