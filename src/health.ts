import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly isReady: () => boolean;
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
