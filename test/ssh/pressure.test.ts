import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { KiB, MiB, type RawSession } from '../clients/ssh2-client.ts';
import { deferred, isSettled, turn, watchUploads } from '../support/sftp-driver.ts';
import { close, Flag, fstat, open, type Reply, read, stat, UPLOAD, write } from '../support/sftp-packets.ts';
import { type InProcess, startInProcess } from './in-process.ts';

/** A packet that waits, another that has come in half, and the read that brought them (docs/adr/0008-frugal-sockets.md). */
const MAX_PARKED_BYTES = 96 * KiB;

/** The window that ssh2 gives a channel; it opens it anew as soon as half of it is used. */
const WINDOW = 2 * MiB;

let running: InProcess;
afterEach(() => running.close());

async function opened(session: RawSession, path: string, flags = UPLOAD): Promise<string> {
  const reply = await session.send(open(1, path, flags));
  if (reply.kind !== 'handle') throw new Error(`OPEN was answered by ${reply.kind}`);
  return reply.handle;
}

const block = (index: number) => Buffer.alloc(32 * KiB, index % 251);

/** WRITEs of 32 KiB that nobody waits for. */
function flood(session: RawSession, handle: string, count: number): Promise<Reply[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      session.send(write(index, handle, index * 32 * KiB, block(index))),
    ),
  );
}

const codes = (replies: readonly Reply[]) =>
  new Set(replies.map((reply) => (reply.kind === 'status' ? reply.code : reply.kind)));

/** Resolves when a socket is gone, in whatever way. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Resolves after the server has sent `count` more packets, which nobody has asked for: its keepalives. */
async function keepalives(socket: Socket, count: number): Promise<void> {
  for (let seen = 0; seen < count; seen++) await once(socket, 'data');
}

describe('a client that sends thousands of WRITEs while the backend takes none', () => {
  test('parks next to nothing here, and all of it arrives once there is room', async () => {
    const room = deferred();
    const samples: { readonly unread: number; readonly received: number }[] = [];
    let sample: () => void = () => undefined;
    const { backend } = watchUploads({
      // Every write waits for a turn at least, so that each time the valve could let more in than was taken.
      writeChunk: async () => {
        await room.promise;
        await turn();
        sample();
      },
    });
    running = await startInProcess(backend);
    const { client, side } = await running.connect();
    sample = () => void samples.push({ unread: side.unreadBytes, received: side.receivedBytes });
    const session = await client.open();
    const handle = await opened(session, '/a');
    const paused = once(side.socket, 'pause');
    const written = flood(session, handle, 2000);
    await paused;
    // Another client logs in and is served: had the server gone on reading, it would have by the end of this.
    const other = await running.connect();
    expect(await (await other.client.open()).send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
    expect(side.unreadBytes).toBeLessThan(MAX_PARKED_BYTES);
    room.resolve();
    expect(codes(await written)).toEqual(new Set([0]));
    expect(await session.send(close(1, handle))).toMatchObject({ code: 0 });
    // What is unread when everything is read is SSH's own: as much for each of the packets, which are all alike.
    const overhead = side.unreadBytes / side.receivedBytes;
    const peak = Math.max(...samples.map(({ unread, received }) => unread - overhead * received));
    expect(peak).toBeLessThan(MAX_PARKED_BYTES);
    const content = Buffer.from(await backend.readFile(createTestContext(), '/a'));
    const expected = Buffer.concat(Array.from({ length: 2000 }, (_, index) => block(index)));
    expect(content.equals(expected)).toBe(true);
  });

  test('on one channel holds up the other until its wait ends, and no longer', async () => {
    const room = deferred();
    const { backend } = watchUploads({ writeChunk: () => room.promise });
    running = await startInProcess(backend);
    const { client, side } = await running.connect();
    const [one, two] = [await client.open(), await client.open()];
    const handle = await opened(one, '/a');
    const paused = once(side.socket, 'pause');
    const written = flood(one, handle, 100);
    await paused;
    const asked = two.send(stat(1, '/'));
    expect(await isSettled(asked)).toBe(false);
    room.reject(new FsError('EBUSY', 'no memory came free in time'));
    expect(await asked).toMatchObject({ kind: 'attrs' });
    expect(codes(await written)).toEqual(new Set([4]));
  });

  test('and goes leaves no connection behind once the wait ends', async () => {
    const room = deferred();
    const { backend, calls } = watchUploads({ writeChunk: () => room.promise });
    running = await startInProcess(backend);
    const { client, side } = await running.connect();
    const session = await client.open();
    const handle = await opened(session, '/a');
    const paused = once(side.socket, 'pause');
    void flood(session, handle, 100);
    await paused;
    const gone = closed(side.socket);
    client.socket.destroy();
    room.resolve();
    await gone;
    await expect.poll(() => calls.at(-1)).toBe('abort /a');
    expect(running.server.connections).toBe(0);
  });
});

describe('a client that takes no replies', () => {
  /** A client that has asked for more than its window holds and reads nothing. */
  async function stalledReader() {
    const { backend } = watchUploads();
    await backend.writeFile(createTestContext(), '/big', Buffer.alloc(4 * MiB));
    running = await startInProcess(backend);
    const { client, side } = await running.connect();
    const session = await client.open();
    const big = await opened(session, '/big', Flag.READ);
    const upload = await opened(session, '/a');
    session.channel.pause();
    const reads = Promise.all(
      Array.from({ length: 30 }, (_, index) => session.send(read(index, big, 0, 255 * KiB))),
    );
    return { client, side, session, upload, reads, backend };
  }

  test('and floods us is let in up to its window; nobody else waits; it is served when it reads again', async () => {
    const { client, side, session, upload, reads } = await stalledReader();
    await side.stalled;
    const written = flood(session, upload, 500);
    // The whole window has to come in: that is where the client would say that it has room again.
    await expect.poll(() => side.unreadBytes, { interval: 1 }).toBeGreaterThan(WINDOW - 256 * KiB);
    const second = await client.open();
    expect(await second.send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
    const other = await running.connect();
    expect(await (await other.client.open()).send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
    expect(side.unreadBytes).toBeLessThan(1.5 * WINDOW + 256 * KiB);
    session.channel.resume();
    expect(codes(await reads)).toEqual(new Set(['data']));
    expect(codes(await written)).toEqual(new Set([0]));
  });

  test('and sends one byte a message has them parked joined', async () => {
    const { client, side, session, upload, reads, backend } = await stalledReader();
    await side.stalled;
    const packet = write(1, upload, 0, block(1).subarray(0, 8 * KiB));
    const written = session.send(packet.subarray(0, 1));
    for (let at = 1; at < packet.length; at++) session.channel.write(packet.subarray(at, at + 1));
    await new Promise((resolve) => session.channel.write(Buffer.alloc(0), resolve));
    // Its answer comes after all of that has come in.
    expect(await (await client.open()).send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
    const before = side.pieces;
    session.channel.resume();
    expect(codes(await reads)).toEqual(new Set(['data']));
    expect(await written).toMatchObject({ code: 0 });
    expect(side.pieces - before).toBeLessThan(10);
    expect(await session.send(close(1, upload))).toMatchObject({ code: 0 });
    const content = Buffer.from(await backend.readFile(createTestContext(), '/a'));
    expect(content.equals(block(1).subarray(0, 8 * KiB))).toBe(true);
  });

  test('and ignores the window is cut off', async () => {
    const { side, session, upload } = await stalledReader();
    await side.stalled;
    const gone = closed(side.socket);
    (session.channel as unknown as { outgoing: { window: number } }).outgoing.window = 2 ** 31;
    void flood(session, upload, 1000);
    await gone;
    expect(side.socket.bytesRead).toBeLessThan(8 * MiB);
  });

  test('is not busy: it idles out', async () => {
    const { backend } = watchUploads();
    await backend.writeFile(createTestContext(), '/big', Buffer.alloc(4 * MiB));
    running = await startInProcess(backend, { idleTimeoutSeconds: 0.5 });
    const { client, side } = await running.connect();
    const session = await client.open();
    const big = await opened(session, '/big', Flag.READ);
    session.channel.pause();
    for (let id = 0; id < 30; id++) void session.send(read(id, big, 0, 255 * KiB));
    await closed(side.socket);
    expect(running.messages).toContain('idle connection closed');
  });
});

describe('whether a client is still there', () => {
  test('is not doubted while its socket is not read, nor is it idle, however long it has to wait', async () => {
    const room = deferred();
    const { backend } = watchUploads({ writeChunk: () => room.promise });
    running = await startInProcess(backend, { keepaliveIntervalMs: 20, idleTimeoutSeconds: 0.5 });
    const { client, side } = await running.connect();
    const session = await client.open();
    const handle = await opened(session, '/a');
    const paused = once(side.socket, 'pause');
    const written = flood(session, handle, 300);
    await paused;
    // ssh2 alone ends the connection with the fourth; the idle timeout would have passed three times.
    await keepalives(client.socket, 75);
    expect(side.socket.isPaused()).toBe(true);
    room.resolve();
    expect(codes(await written)).toEqual(new Set([0]));
    expect(await session.send(fstat(1, handle))).toMatchObject({ kind: 'attrs' });
  });

  test('is asked; one that answers stays, one that is silent is cut off', async () => {
    const { backend } = watchUploads();
    running = await startInProcess(backend, { keepaliveIntervalMs: 20 });
    const { client, side } = await running.connect();
    const session = await client.open();
    await keepalives(client.socket, 10);
    expect(await session.send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
    const gone = closed(side.socket);
    client.socket.pause();
    await gone;
    expect(running.messages).toContain('the client answers no more');
  });
});
