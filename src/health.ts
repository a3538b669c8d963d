import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `/livez`: the process runs. `/readyz`: it also takes uploads; 503 while it starts and while it drains. */
export async function startHealthServer(
  host: string,
  port: number,
  isReady: () => boolean,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
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
