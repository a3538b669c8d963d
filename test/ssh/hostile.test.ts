import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KiB } from '../clients/ssh2-client.ts';
import { type WatchedBackend, watchUploads } from '../support/sftp-driver.ts';
import { open, stat, UPLOAD } from '../support/sftp-packets.ts';
import { type InProcess, startInProcess, type TestClient } from './in-process.ts';
import { kexInit, packet, RawClient, string, u32 } from './raw-handshake.ts';

const DISCONNECT = 1;

let uploads: WatchedBackend;
let running: InProcess;
beforeEach(async () => {
  uploads = watchUploads();
  running = await startInProcess(uploads.backend);
});
afterEach(() => running.close());

/** What ssh2's client has inside for sending messages. */
interface ClientProtocol {
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(length: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
  service(name: string): void;
  session(channel: number, window: number, packetSize: number): void;
}

const protocolOf = (ssh: ssh2.Client) => (ssh as unknown as { _protocol: ClientProtocol })._protocol;

function send(ssh: ssh2.Client, payload: Uint8Array): void {
  const { _packetRW, _cipher } = protocolOf(ssh);
  const message = _packetRW.write.alloc(payload.length);
  message.set(payload, _packetRW.write.allocStart);
  _cipher.encrypt(_packetRW.write.finalize(message));
}

/** Sends until the server has had enough and `end`, one side of the connection, is gone; resolves with how often. */
async function flood(ssh: ssh2.Client, end: Socket, payload: Uint8Array): Promise<number> {
  let count = 0;
  for (; !end.closed && count < 20_000; count++) {
    send(ssh, payload);
    if (count % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await closed(end);
  return count;
}

const closed = async (socket: Socket) => {
  if (!socket.closed) await once(socket, 'close');
};

/** A client that has keys and has not logged in. */
async function stranger(): Promise<Pick<TestClient, 'ssh' | 'socket'>> {
  const socket = connect(running.port, '127.0.0.1');
  const ssh = new ssh2.Client();
  ssh.on('error', () => undefined);
  ssh.connect({ sock: socket, username: 'acme', authHandler: () => undefined as never });
  await once(ssh, 'handshake');
  return { ssh, socket };
}

async function expectService(): Promise<void> {
  const { client } = await running.connect();
  expect(await (await client.open()).send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
}

describe('a client that has logged in and floods the server with', () => {
  const message = (type: number, ...parts: Uint8Array[]) => Buffer.concat([Buffer.from([type]), ...parts]);
  const yes = Buffer.from([1]);
  test.each([
    ['IGNORE', message(2, string('x'))],
    ['UNIMPLEMENTED', message(3, u32(0))],
    ['DEBUG', message(4, yes, string('x'), string(''))],
    ['EXT_INFO', message(7, u32(0))],
    ['NEWKEYS', message(21)],
    ['requests to log in', message(50, string('acme'), string('ssh-connection'), string('none'))],
    ['global requests, of which it takes no answers', message(80, string('ping@example.com'), yes)],
    ['channels', message(90, string('session'), u32(1), u32(65_536), u32(32_768))],
    ['channels of a kind that there is not', message(90, string('x'), u32(1), u32(65_536), u32(32_768))],
    ['data for a channel that has no errors', message(95, u32(0), u32(1), string('x'))],
    [
      'requests for a channel that there is not',
      message(98, u32(77), string('env'), yes, string('A'), string('B')),
    ],
    ['messages that nobody knows', message(200)],
    ['messages of nothing', Buffer.alloc(0)],
  ])('%s is cut off, and nobody else', async (_, payload) => {
    const { client, side } = await running.connect();
    // What the server says at the end is not heard either.
    client.socket.pause();
    await flood(client.ssh, side.socket, payload);
    expect(side.socket.bytesRead).toBeLessThan(512 * KiB);
    await expectService();
  });

  test('sessions in one after the other, as clients have them, is served', async () => {
    const { client } = await running.connect();
    for (let round = 0; round < 100; round++) (await client.open()).end();
    await expectService();
  });
});

test.each([0, 1])('a channel for packets of %i bytes ends its connection', async (packetSize) => {
  const { client } = await running.connect();
  protocolOf(client.ssh).session(0, 2 ** 31, packetSize);
  await closed(client.socket);
  expect(running.messages).toContain('connection cut off');
  await expectService();
});

test('two subsystems for one channel: the second is passed over', async () => {
  const { client } = await running.connect();
  const session = await client.open();
  const { outgoing } = session.channel as unknown as { outgoing: { id: number } };
  const request = (name: string, extra: Uint8Array) =>
    Buffer.concat([Buffer.from([98]), u32(outgoing.id), string(name), Buffer.from([0]), extra]);
  send(client.ssh, request('subsystem', string('sftp')));
  send(client.ssh, request('subsystem', string('netconf')));
  send(client.ssh, request('exec', string('id')));
  send(client.ssh, request('shell', Buffer.alloc(0)));
  expect(await session.send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
});

test('who says no more amid an upload has their upload aborted', async () => {
  const { client } = await running.connect();
  const session = await client.open();
  expect(await session.send(open(1, '/a', UPLOAD))).toMatchObject({ kind: 'handle' });
  client.socket.end();
  await expect.poll(() => uploads.calls.at(-1)).toBe('abort /a');
  await expect.poll(() => running.server.connections).toBe(0);
});

describe('before the login', () => {
  test('half a MiB is all that is taken', async () => {
    const { ssh, socket } = await stranger();
    const count = await flood(ssh, socket, Buffer.concat([Buffer.from([2]), string(Buffer.alloc(30 * KiB))]));
    expect(count).toBeLessThan(20_000);
    expect(running.messages).toContain('connection cut off');
    await expectService();
  });

  test('a hundred requests to log in are, even such as fail at nothing', async () => {
    let asked = 0;
    const ssh = new ssh2.Client();
    const gone = new Promise<void>((resolve) => ssh.once('close', () => resolve()));
    ssh.on('error', () => undefined);
    ssh.connect({
      host: '127.0.0.1',
      port: running.port,
      username: 'acme',
      authHandler: () => {
        asked += 1;
        return { type: 'none', username: 'acme' } as never;
      },
    });
    await gone;
    expect(asked).toBe(101);
    expect(running.messages).toContain('too many failed authentication attempts');
  });

  test('a service is asked for once', async () => {
    const { ssh, socket } = await stranger();
    protocolOf(ssh).service('ssh-userauth');
    await closed(socket);
    await expectService();
  });

  test.each(['zlib', 'zlib@openssh.com'])('nobody has compression (%s)', async (compress) => {
    const client = new RawClient(running.port);
    await client.identify();
    client.send(kexInit({ kex: 'curve25519-sha256', compress }));
    await client.receive();
    expect((await client.receive())[0]).toBe(DISCONNECT);
    await client.ended;
  });

  test.each([
    ['longer than there are', Buffer.concat([u32(2 ** 24), Buffer.alloc(64)])],
    ['of a negative length', Buffer.alloc(64, 255)],
    ['of nothing', Buffer.alloc(64)],
    ['another than a KEXINIT first', packet(Buffer.from([21]))],
    ['a second KEXINIT', Buffer.concat([1, 2].map(() => packet(kexInit({ kex: 'curve25519-sha256' }))))],
    ['a KEXINIT that is cut', packet(kexInit({ kex: 'curve25519-sha256' }).subarray(0, 60))],
    ['a KEXINIT without lists', packet(Buffer.from([20]))],
  ])('packets that are %s end the connection', async (_, bytes) => {
    const client = new RawClient(running.port);
    await client.identify();
    client.socket.write(bytes);
    await client.ended;
    await expectService();
  });
});
