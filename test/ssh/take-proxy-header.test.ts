import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFrugally } from '../../src/ssh/frugal-socket.ts';
import { MAX_HEADER_BYTES } from '../../src/ssh/proxy-protocol.ts';
import { type TakenHeader, takeProxyHeader } from '../../src/ssh/take-proxy-header.ts';
import { LOCAL_HEADER, proxyHeader, proxyHeaderFrom } from '../support/proxy-header.ts';

/** Longer than any of these tests. */
const LONG_MS = 60_000;

const HEADER = proxyHeaderFrom('192.0.2.7', 40_000);

let server: Server;
let client: Socket;
let accepted: Socket;

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = once(server, 'connection');
  client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  client.on('error', () => undefined);
  [accepted] = await connection;
});
afterEach(() => {
  client.destroy();
  accepted.destroy();
  server.close();
});

function taken(socket: Socket, timeoutMs = LONG_MS): Promise<TakenHeader> {
  return new Promise((resolve) => takeProxyHeader(socket, timeoutMs, resolve));
}

/** All that is left to be read of a socket until the client has ended. */
async function rest(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(socket, 'end');
  socket.resume();
  await ended;
  return Buffer.concat(chunks);
}

describe.each([
  ['as Node has it', (socket: Socket) => socket],
  ['that is read frugally', readFrugally],
])('of a socket %s', (_, toSocket) => {
  test('the header is taken off, and what came in the same read is kept, and comes before what follows', async () => {
    const socket = toSocket(accepted);
    client.write(Buffer.concat([HEADER, Buffer.from('SSH-2.0-glued\r\n')]));
    expect(await taken(socket)).toMatchObject({
      command: 'PROXY',
      source: { address: '192.0.2.7', port: 40_000 },
    });
    const more = Buffer.alloc(300_000, 'more');
    client.end(more);
    expect((await rest(socket)).equals(Buffer.concat([Buffer.from('SSH-2.0-glued\r\n'), more]))).toBe(true);
  });

  test('a header that comes byte by byte is one', async () => {
    const socket = toSocket(accepted);
    const header = taken(socket);
    for (const byte of HEADER) {
      const read = once(socket, 'data');
      client.write(Buffer.of(byte));
      await read;
    }
    expect(await header).toMatchObject({ length: HEADER.length });
    client.end('SSH');
    expect(String(await rest(socket))).toBe('SSH');
  });

  test('of two headers the first is taken: the second is what the client sent', async () => {
    const socket = toSocket(accepted);
    const second = proxyHeaderFrom('2001:db8::7', 1);
    client.end(Buffer.concat([HEADER, second]));
    expect(await taken(socket)).toMatchObject({ source: { address: '192.0.2.7' } });
    expect((await rest(socket)).equals(second)).toBe(true);
  });

  test('what is no header is all given back', async () => {
    const socket = toSocket(accepted);
    client.end('GET / HTTP/1.1\r\n\r\n');
    expect(await taken(socket)).toBe('malformed');
    expect(String(await rest(socket))).toBe('GET / HTTP/1.1\r\n\r\n');
  });

  test('of a header that is too long nothing is waited for', async () => {
    client.write(proxyHeader('21 11', Buffer.alloc(MAX_HEADER_BYTES - 15)).subarray(0, 16));
    expect(await taken(toSocket(accepted))).toBe('malformed');
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half a header', HEADER.subarray(0, 20)],
  ])('%s, and then silence, is late', async (_, bytes) => {
    client.write(bytes);
    expect(await taken(toSocket(accepted), 200)).toBe('late');
  });

  test('a client that ends or is reset before is never heard of', async () => {
    const socket = toSocket(accepted);
    let heard = false;
    takeProxyHeader(socket, LONG_MS, () => {
      heard = true;
    });
    const read = once(socket, 'data');
    client.write(HEADER.subarray(0, 20));
    await read;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    client.resetAndDestroy();
    await closed;
    expect(heard).toBe(false);
  });

  test('nothing of it stays with the socket', async () => {
    const socket = toSocket(accepted);
    const before = ['data', 'error', 'close'].map((name) => socket.listenerCount(name));
    client.write(LOCAL_HEADER);
    await taken(socket);
    expect(['data', 'error', 'close'].map((name) => socket.listenerCount(name))).toEqual(before);
    expect(socket.isPaused()).toBe(true);
  });
});
