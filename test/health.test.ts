import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type HealthServer, startHealthServer } from '../src/health.ts';
import { HEADER_TIMEOUT_MS } from '../src/ssh/take-proxy-header.ts';
import { LOCAL_HEADER, proxyHeaderFrom } from './support/proxy-header.ts';

let server: HealthServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(takesProxyHeaders: boolean): Promise<number> {
  server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    isReady: () => true,
    takesProxyHeaders,
    answerScrape: undefined,
  });
  return server.port;
}

/** The status that a path is answered with, by a connection that begins with these bytes. */
function get(port: number, path: string, ...first: readonly Buffer[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({
      path,
      createConnection: () => {
        const socket = connect(port, '127.0.0.1');
        for (const bytes of first) socket.write(bytes);
        return socket;
      },
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.end();
  });
}

/** Everything that a connection is answered with, until it is closed. */
async function answers(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}

describe('where load balancers send PROXY headers', () => {
  test.each([
    ['without a header', []],
    ['behind a LOCAL one', [LOCAL_HEADER]],
    ['behind one of a client over IPv4', [proxyHeaderFrom('192.0.2.7', 1)]],
    ['behind one of a client over IPv6', [proxyHeaderFrom('2001:db8::7', 1)]],
  ])('a request %s is answered', async (_, first) => {
    const port = await start(true);
    expect(await get(port, '/readyz', ...first)).toBe(200);
    expect(await get(port, '/nowhere', ...first)).toBe(404);
  });

  test.each([
    ['behind a header in the same packet', LOCAL_HEADER],
    ['by themselves', Buffer.alloc(0)],
  ])('several requests %s are answered in turn', async (_, first) => {
    const port = await start(true);
    const socket = connect(port, '127.0.0.1');
    const requests =
      'GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /no HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    socket.write(Buffer.concat([first, Buffer.from(requests)]));
    expect((await answers(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
  });

  test('a connection is kept for further requests: only its beginning is looked at', async () => {
    const port = await start(true);
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    for (const path of ['/livez', '/readyz']) {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
      const [answer] = await once(socket, 'data');
      expect(answer).toContain('200 OK');
    }
    const refused = answers(socket);
    socket.write(LOCAL_HEADER);
    expect(await refused).toContain('400 Bad Request');
  });

  test('nonsense is refused as it is elsewhere', async () => {
    const port = await start(true);
    const socket = connect(port, '127.0.0.1');
    socket.write('nonsense\r\n\r\n');
    expect(await answers(socket)).toContain('400 Bad Request');
  });

  test('one that says nothing is closed with the server', { timeout: HEADER_TIMEOUT_MS / 2 }, async () => {
    const port = await start(true);
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    expect(await get(port, '/livez')).toBe(200);
    const closed = once(silent, 'close');
    await server?.close();
    await closed;
  });

  test('one that stops in mid-header is closed', async () => {
    const socket = connect(await start(true), '127.0.0.1');
    socket.write(LOCAL_HEADER.subarray(0, 14));
    expect(await answers(socket)).toBe('');
  });
});

test('elsewhere a PROXY header is no HTTP', async () => {
  const port = await start(false);
  expect(await get(port, '/livez')).toBe(200);
  expect(await get(port, '/livez', LOCAL_HEADER)).toBe(400);
});
