import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLent, lendReads, readFrugally } from '../../src/ssh/frugal-socket.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

let server: Server;
let client: Socket;
let accepted: Socket;
let socket: Socket;

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = once(server, 'connection');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  [accepted] = await connection;
  socket = readFrugally(accepted);
});
afterEach(() => {
  client.destroy();
  socket.destroy();
  server.close();
});

/** Lengths of what is read until there are `bytes` of it; calls `onRead` after each. */
async function lengthsOf(bytes: number, onRead: (total: number) => void = () => undefined) {
  const lengths: number[] = [];
  let total = 0;
  const all = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      lengths.push(chunk.length);
      total += chunk.length;
      onRead(total);
      if (total === bytes) resolve();
    });
  });
  socket.resume();
  await all;
  return lengths;
}

test('it is another socket: this Node keeps the handle where it is looked for', () => {
  expect(socket).not.toBe(accepted);
  expect(socket.remotePort).toBe(client.localPort);
});

test('a Node that keeps it elsewhere goes on with the socket that was accepted', () => {
  const other = { remotePort: 1 } as Socket;
  expect(readFrugally(other)).toBe(other);
});

test('nothing is lost or mixed up between connections that are read by turns', async () => {
  const connection = once(server, 'connection');
  const another = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [second] = (await connection) as [Socket];
  const sockets = [socket, readFrugally(second)];
  const content = [1, 2].map((seed) => Buffer.from(Array.from({ length: MiB }, (_, at) => at * seed)));
  [client, another].forEach((from, index) => {
    from.end(content[index] as Buffer);
  });
  const arrived = await Promise.all(
    sockets.map(async (each) => {
      const chunks: Buffer[] = [];
      each.on('data', (chunk: Buffer) => chunks.push(chunk));
      const ended = once(each, 'end');
      each.resume();
      await ended;
      return Buffer.concat(chunks);
    }),
  );
  expect(arrived.map((bytes, index) => bytes.equals(content[index] as Buffer))).toEqual([true, true]);
  another.destroy();
});

test('once its reads are lent they lie where the next one will, of whichever connection', async () => {
  client.write('first');
  const [copy] = (await Promise.all([once(socket, 'data'), socket.resume()]))[0] as [Buffer];
  expect(isLent(copy)).toBe(false);
  lendReads(socket);
  client.write('second');
  const [lent] = (await once(socket, 'data')) as [Buffer];
  expect([isLent(lent), lent.toString()]).toEqual([true, 'second']);
  client.write('THE NEXT');
  await once(socket, 'data');
  expect([copy.toString(), lent.toString()]).toEqual(['first', 'THE NE']);
});

describe('how much is read at once', () => {
  test('is little at first, and more as the connection goes on taking it', async () => {
    client.write(Buffer.alloc(4 * MiB));
    const lengths = await lengthsOf(4 * MiB);
    expect(Math.max(...lengths.slice(0, 4))).toBeLessThanOrEqual(8 * KiB);
    expect(Math.max(...lengths)).toBe(128 * KiB);
  });

  test('is 32 KiB at most while memory is waited for, and more again once it is not', async () => {
    let isShort = true;
    const another = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [second] = (await once(server, 'connection')) as [Socket];
    socket = readFrugally(second, () => isShort);
    another.write(Buffer.alloc(4 * MiB));
    let largest = 0;
    const lengths = await lengthsOf(4 * MiB, (total) => {
      if (total > 2 * MiB) isShort = false;
    });
    another.destroy();
    let total = 0;
    for (const length of lengths) {
      if (total <= 2 * MiB) largest = Math.max(largest, length);
      total += length;
    }
    expect(largest).toBe(32 * KiB);
    expect(Math.max(...lengths)).toBe(128 * KiB);
  });

  test('is little again after it was kept waiting', async () => {
    client.write(Buffer.alloc(4 * MiB));
    let pausedAt = 0;
    let afterPause = 0;
    await lengthsOf(4 * MiB, (total) => {
      if (pausedAt > 0) afterPause ||= total - pausedAt;
      if (total < 2 * MiB || pausedAt > 0) return;
      pausedAt = total;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    expect(afterPause).toBeGreaterThan(0);
    expect(afterPause).toBeLessThanOrEqual(8 * KiB);
  });
});

test('nothing is read while it is paused', async () => {
  client.write(Buffer.alloc(MiB));
  await lengthsOf(MiB);
  socket.pause();
  let isPaused = true;
  const read = new Promise<boolean>((resolve) => socket.on('data', () => resolve(isPaused)));
  client.write('more');
  // A further connection comes about after what was there to read has been.
  const connection = once(server, 'connection');
  const another = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await connection;
  another.destroy();
  isPaused = false;
  socket.resume();
  expect(await read).toBe(false);
});

test('it writes, ends, and is counted by the server as the one that was accepted', async () => {
  const greeting = once(client, 'data');
  socket.write('SSH-2.0-');
  expect(String((await greeting)[0])).toBe('SSH-2.0-');
  const closed = once(server, 'close');
  server.close();
  socket.resume();
  const ended = once(client, 'end');
  socket.end();
  await ended;
  client.end();
  await closed;
});
