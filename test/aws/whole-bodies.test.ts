import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpRequest } from '@smithy/core/protocols';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WholeBodies, type WholeBodiesOptions } from '../../src/aws/whole-bodies.ts';
import { Running } from '../support/processes.ts';
import { startTlsFront } from '../support/tls-front.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** What a store does with each request, given its text. */
type Answer = (socket: Socket, request: string) => void;

interface Store {
  readonly port: number;
  /** All requests, as they came. */
  readonly requests: string[];
  /** Every connection so far. */
  readonly sockets: Socket[];
}

/** A server of bytes, for answers that no HTTP server would give. */
async function startStore(answer: Answer): Promise<Store> {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        // A request is one write of the client's, and small.
        requests.push(bytes.toString('latin1'));
        answer(socket, bytes.toString('latin1'));
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, requests, sockets };
}

function create(options: Partial<WholeBodiesOptions> = {}): WholeBodies {
  const bodies = new WholeBodies({ connecting: 5_000, silence: 5_000, maxSockets: 4, ...options });
  onTestFinished(() => bodies.destroy());
  return bodies;
}

const toRequest = (port: number, more: Partial<HttpRequest> = {}) =>
  new HttpRequest({
    protocol: 'http:',
    hostname: '127.0.0.1',
    port,
    method: 'GET',
    path: '/bucket/key',
    ...more,
  });

async function fetchFrom({ port }: Store, bodies: WholeBodies, maxBytes: number, signal?: AbortSignal) {
  const { response } = await bodies.handle(toRequest(port), maxBytes, signal && { abortSignal: signal });
  return response;
}

/** An answer as S3 words it. */
const answerOf = (body: Uint8Array, statusLine = '206 Partial Content', head = '') =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 ${statusLine}\r\nETag: "e"\r\nContent-Length: ${body.length}\r\n${head}\r\n`),
    body,
  ]);

/** Resolves once a connection is gone, by an error or not. */
const closed = (socket: Socket | undefined) =>
  new Promise<void>((resolve) => {
    if (socket === undefined || socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

describe('a body', () => {
  test.each([0, 1, 1_000, 16 * KiB, 300 * KiB])(
    'of %d bytes is there wherever its answer is cut',
    async (size) => {
      const bodies = create();
      let nth = 0;
      const contents = Array.from({ length: 40 }, () => randomBytes(size));
      const store = await startStore((socket) => {
        const bytes = answerOf(contents[nth] as Buffer);
        const cut = (nth++ * 7) % bytes.length;
        socket.write(bytes.subarray(0, cut));
        // In another packet: the first is on its way.
        setImmediate(() => socket.write(bytes.subarray(cut)));
      });
      for (const content of contents) {
        const { statusCode, headers, body } = await fetchFrom(store, bodies, size);
        expect(statusCode).toBe(206);
        expect(headers).toEqual({ etag: '"e"', 'content-length': String(size) });
        expect(content.equals(body)).toBe(true);
      }
      expect(store.sockets).toHaveLength(1);
    },
  );

  test('of an error is there too, however little was asked for', async () => {
    const store = await startStore((socket) => {
      socket.write(answerOf(Buffer.from('<Error/>'), '412 Precondition Failed'));
    });
    const { statusCode, body } = await fetchFrom(store, create(), 1);
    expect({ statusCode, body: String(body) }).toEqual({ statusCode: 412, body: '<Error/>' });
  });

  test('is its own: later ones leave it as it is', async () => {
    let fill = 0;
    const store = await startStore((socket) => void socket.write(answerOf(Buffer.alloc(100, ++fill))));
    const bodies = create();
    const { body: first } = await fetchFrom(store, bodies, 100);
    await fetchFrom(store, bodies, 100);
    expect(Buffer.alloc(100, 1).equals(first)).toBe(true);
  });
});

test('a request has its headers and query, and one that would be two is not sent', async () => {
  const store = await startStore((socket) => void socket.write(answerOf(Buffer.alloc(1))));
  const bodies = create();
  const more = { query: { 'x-id': 'GetObject' }, headers: { host: 'h', 'if-match': '"e"' } };
  await bodies.handle(toRequest(store.port, more), 1);
  expect(store.requests).toEqual([
    'GET /bucket/key?x-id=GetObject HTTP/1.1\r\nhost: h\r\nif-match: "e"\r\n\r\n',
  ]);
  const split = { headers: { 'if-match': '"\r\nx: y' } };
  await expect(bodies.handle(toRequest(store.port, split), 1)).rejects.toThrow('Invalid character');
  const spaced = { path: '/bucket/a key' };
  await expect(bodies.handle(toRequest(store.port, spaced), 1)).rejects.toThrow('not escaped');
  expect(store.requests).toHaveLength(1);
});

describe('an answer is refused, and its connection ended, ', () => {
  test.each([
    ['that is longer than was asked for', answerOf(Buffer.alloc(11)), 'more than'],
    ['with an endless error', answerOf(Buffer.alloc(16 * KiB + 1), '500 Oops'), 'more than'],
    ['with bytes behind its end', Buffer.concat([answerOf(Buffer.alloc(10)), Buffer.alloc(1)]), 'more than'],
    ['without a length', 'HTTP/1.1 200 OK\r\n\r\n', 'how much'],
    ['with two lengths', answerOf(Buffer.alloc(10), '200 OK', 'Content-Length: 9\r\n'), 'how much'],
    ['with a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: 0x9\r\n\r\n', 'how much'],
    ['in chunks', answerOf(Buffer.alloc(10), '200 OK', 'Transfer-Encoding: chunked\r\n'), 'how much'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1'],
    ['that is only the first of several', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1'],
    ['of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'HTTP/1.1'],
    ['with a folded header', answerOf(Buffer.alloc(1), '200 OK', 'a: b\r\n c\r\n'), 'header line'],
    [
      'with a blank before a colon',
      answerOf(Buffer.alloc(1), '200 OK', 'Content-Length : 1\r\n'),
      'header line',
    ],
    ['whose head does not end', Buffer.alloc(64 * KiB, 'x'), 'HTTP/1.1'],
  ])('%s', async (_, bytes, message) => {
    const store = await startStore((socket) => void socket.write(bytes));
    await expect(fetchFrom(store, create(), 10)).rejects.toThrow(message);
    await closed(store.sockets[0]);
  });
});

describe('a connection', () => {
  test('that the store ends in the middle of a body is an error, not half a body', async () => {
    const store = await startStore((socket) => void socket.end(answerOf(Buffer.alloc(10)).subarray(0, -1)));
    await expect(fetchFrom(store, create(), 10)).rejects.toThrow('ended the connection');
  });

  test('that the store does not keep is not used again', async () => {
    const answer = answerOf(Buffer.alloc(1), '200 OK', 'Connection: Close\r\n');
    const store = await startStore((socket) => void socket.write(answer));
    const bodies = create();
    for (let nth = 0; nth < 2; nth++) await fetchFrom(store, bodies, 1);
    expect(store.sockets).toHaveLength(2);
    await closed(store.sockets[0]);
  });

  test.each([
    ['ends', (socket: Socket) => void socket.end()],
    ['says something by', (socket: Socket) => void socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n')],
  ])('that the store %s while nobody asks is not used again', async (_, act) => {
    const store = await startStore((socket) => void socket.write(answerOf(Buffer.alloc(1))));
    const bodies = create();
    await fetchFrom(store, bodies, 1);
    act(store.sockets[0] as Socket);
    await closed(store.sockets[0]);
    await fetchFrom(store, bodies, 1);
    expect(store.sockets).toHaveLength(2);
  });

  test('is ended when it is silent for too long, with a request and without', async () => {
    const store = await startStore((socket, request) => {
      if (store.requests.length === 1) socket.write(answerOf(Buffer.alloc(1)));
      else expect(request).not.toBe('');
    });
    const bodies = create({ silence: 100 });
    await fetchFrom(store, bodies, 1);
    await closed(store.sockets[0]);
    await expect(fetchFrom(store, bodies, 1)).rejects.toThrow('nothing for 100 ms');
  });

  test('that has come about in time may take longer to answer', async () => {
    const store = await startStore((socket) => {
      setTimeout(() => socket.write(answerOf(Buffer.alloc(1))), 300);
    });
    await fetchFrom(store, create({ connecting: 100 }), 1);
  });

  test('that does not come about in time is given up', async () => {
    const mute = await startStore(() => undefined);
    const request = toRequest(mute.port, { protocol: 'https:' });
    await expect(create({ connecting: 100 }).handle(request, 1)).rejects.toThrow(
      'no connection within 100 ms',
    );
  });

  test('to a store whose certificate nobody knows says nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const store = await startStore((socket) => void socket.write(answerOf(Buffer.alloc(1))));
    const front = await startTlsFront(`http://127.0.0.1:${store.port}`, folder);
    onTestFinished(() => front.close());
    const request = toRequest(Number(new URL(front.endpoint).port), {
      protocol: 'https:',
      hostname: 'localhost',
    });
    await expect(create().handle(request, 1)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(store.requests).toEqual([]);
  });
});

test('an answer by TLS whose head does not end is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await startStore((socket) => void socket.write(Buffer.alloc(MiB, 'x')));
  const front = await startTlsFront(`http://127.0.0.1:${store.port}`, folder);
  onTestFinished(() => front.close());
  const { port } = new URL(front.endpoint);
  const program = `
    import { WholeBodies } from './dist/aws/whole-bodies.js';
    const bodies = new WholeBodies({ connecting: 5000, silence: 5000, maxSockets: 1 });
    const request = { protocol: 'https:', hostname: 'localhost', port: ${port}, method: 'GET', path: '/', query: {}, headers: {} };
    await bodies.handle(request, 10).catch(({ message }) => console.log(message));`;
  // A process of its own, which can be told whom to trust, and which an endless loop would not outlive.
  const client = new Running(process.execPath, ['--input-type=module', '--eval', program], {
    env: { NODE_EXTRA_CA_CERTS: front.certificateFile },
  });
  onTestFinished(() => client.kill('SIGKILL'));
  expect(await client.exited).toMatchObject({ code: 0, stdout: 'the store did not answer by HTTP/1.1' });
});

test('a request that is given up ends its connection and rejects with the reason', async () => {
  const abort = new AbortController();
  const store = await startStore(() => abort.abort(new Error('enough')));
  const bodies = create();
  await expect(fetchFrom(store, bodies, 1, abort.signal)).rejects.toThrow('enough');
  await closed(store.sockets[0]);
  await expect(fetchFrom(store, bodies, 1, abort.signal)).rejects.toThrow('enough');
  expect(store.sockets).toHaveLength(1);
});

test('is busy while as many requests are under way as it has connections for', async () => {
  const store = await startStore((socket) => {
    if (store.requests.length === 2) for (const each of store.sockets) each.write(answerOf(Buffer.alloc(1)));
    else expect(socket.destroyed).toBe(false);
  });
  const bodies = create({ maxSockets: 2 });
  const first = fetchFrom(store, bodies, 1);
  expect(bodies.isBusy).toBe(false);
  const second = fetchFrom(store, bodies, 1);
  expect(bodies.isBusy).toBe(true);
  await Promise.all([first, second]);
  expect(bodies.isBusy).toBe(false);
  bodies.destroy();
  await Promise.all(store.sockets.map(closed));
});
