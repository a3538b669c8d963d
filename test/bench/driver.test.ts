import { generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { crc32 } from 'node:zlib';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from '../../bench/driver/connection.ts';
import { GeneratedContent } from '../../bench/driver/content.ts';
import { logInAndOut } from '../../bench/driver/logins.ts';
import { pauseBefore, startOf } from '../../bench/driver/pacing.ts';
import { Discard } from '../../bench/targets/ssh2-bare/discard.ts';
import { packet, str, u32 } from '../support/sftp-packets.ts';

describe('pacing', () => {
  test('a client waits until its rate lets the next byte go', () => {
    expect(pauseBefore(0, 1000, 0)).toBe(0);
    expect(pauseBefore(500, 1000, 0)).toBe(500);
    expect(pauseBefore(500, 1000, 200)).toBe(300);
  });

  test('one that is behind does not wait, nor does one without a rate', () => {
    expect(pauseBefore(500, 1000, 501)).toBe(0);
    expect(pauseBefore(2 ** 40, undefined, 0)).toBe(0);
  });
});

test('paced clients begin spread over the time of one write, others at once', () => {
  const paced = { bytesPerSecond: 1000, writeBytes: 500 };
  expect([0, 1, 2, 3].map((index) => startOf(index, 4, paced))).toEqual([0, 125, 250, 375]);
  expect(startOf(3, 4, { writeBytes: 500 })).toBe(0);
});

describe('generated content', () => {
  const take = (name: string, ...lengths: readonly number[]) => {
    const content = new GeneratedContent(name);
    const chunks = lengths.map((length) => Buffer.alloc(length));
    for (const chunk of chunks) content.fill(chunk);
    return { bytes: Buffer.concat(chunks), crc32: content.crc32 };
  };

  test('is the same however it is cut, with its CRC32', () => {
    const whole = take('a', 3_000_000);
    const cut = take('a', 1, 32_768, 1_500_000, 1_467_231);
    expect(cut.bytes.equals(whole.bytes)).toBe(true);
    expect(cut.crc32).toBe(whole.crc32);
    expect(whole.crc32).toBe(crc32(whole.bytes));
  });

  test('differs between names and does not repeat', () => {
    const { bytes } = take('a', 2 ** 21);
    expect(bytes.equals(take('b', 2 ** 21).bytes)).toBe(false);
    expect(bytes.subarray(0, 2 ** 20).equals(bytes.subarray(2 ** 20))).toBe(false);
  });
});

describe('a client of the driver', () => {
  /** A STATUS for each WRITE from this one on is a failure. */
  let refuseFrom: number;
  /** Whether the server reads the channel. */
  let gate: { open: () => void; isOpen: Promise<void> };
  let listener: ReturnType<typeof createServer>;
  let account: { port: number; username: string; privateKey: string };
  let drop: () => void;
  let connections: number;

  beforeEach(async () => {
    refuseFrom = Number.POSITIVE_INFINITY;
    let open: () => void = () => undefined;
    gate = { isOpen: new Promise((resolve) => (open = resolve)), open: () => open() };
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    let writes = 0;
    const server = new ssh2.Server({ hostKeys: [key] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (context) => context.accept());
      client.on('session', (accept) => {
        accept().on('subsystem', (acceptSubsystem) => {
          const channel = acceptSubsystem();
          const discard = new Discard((replies) => channel.write(refuse(replies)));
          channel.on('data', (chunk: Buffer) => {
            discard.receive(chunk);
            if (writes >= 1) {
              channel.pause();
              void gate.isOpen.then(() => channel.resume());
            }
          });
        });
      });
    });
    /** The replies with those to WRITEs past the limit turned into failures; ids of OK replies are kept. */
    const refuse = (replies: Buffer) => {
      const out: Buffer[] = [];
      for (let at = 0; at < replies.length; at += 4 + replies.readUInt32BE(at)) {
        const reply = replies.subarray(at, at + 4 + replies.readUInt32BE(at));
        const isStatus = reply.readUInt8(4) === 101;
        if (isStatus) writes += 1;
        const id = reply.subarray(5, 9);
        const code = writes > refuseFrom ? 4 : 0;
        out.push(isStatus ? packet(101, id, u32(code), str('no room'), str('en')) : reply);
      }
      return Buffer.concat(out);
    };
    connections = 0;
    listener = createServer((socket) => {
      connections += 1;
      drop = () => socket.destroy();
      server.injectSocket(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    account = { port: (listener.address() as AddressInfo).port, username: 'bench', privateKey: key };
  });

  afterEach(() => {
    listener.close();
  });

  test('sends no more than the windows take, and all of it in the end', async () => {
    const connection = await Connection.login(account);
    const handle = await connection.open('file');
    let sent = 0;
    const sending = (async () => {
      for (; sent < 600; sent++)
        await connection.write(handle, sent * 32_768, 32_768, (data) => data.fill(1));
    })();
    await expect.poll(() => sent).toBeGreaterThan(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(200);
    gate.open();
    await sending;
    await connection.settled();
    await connection.close(handle);
    expect(connection.acknowledgedBytes).toBe(600 * 32_768);
    connection.end();
  });

  test('stops at the first write that is refused, with what the server said', async () => {
    refuseFrom = 3;
    gate.open();
    const connection = await Connection.login(account);
    const handle = await connection.open('file');
    const sending = (async () => {
      for (let at = 0; at < 100; at++)
        await connection.write(handle, at * 1024, 1024, (data) => data.fill(1));
      await connection.settled();
    })();
    await expect(sending).rejects.toThrow('WRITE: status 4, no room');
    connection.end();
  });

  test('that loses its connection fails instead of waiting', async () => {
    const connection = await Connection.login(account);
    const handle = await connection.open('file');
    const sending = (async () => {
      for (let at = 0; ; at++) await connection.write(handle, at * 32_768, 32_768, (data) => data.fill(1));
    })();
    setTimeout(() => drop(), 100);
    await expect(sending).rejects.toThrow();
  });

  test('logs in and leaves as often as asked, and times each login', async () => {
    gate.open();
    const ms = await logInAndOut({ account, logins: 7, atOnce: 3 });
    expect(ms).toHaveLength(7);
    expect(Math.min(...ms)).toBeGreaterThan(0);
    expect(connections).toBe(7);
    const open = () => new Promise((resolve) => listener.getConnections((_, count) => resolve(count)));
    await expect.poll(open).toBe(0);
  });

  test('says why a login failed', async () => {
    listener.close();
    await expect(logInAndOut({ account, logins: 1, atOnce: 1 })).rejects.toThrow('ECONNREFUSED');
  });
});
