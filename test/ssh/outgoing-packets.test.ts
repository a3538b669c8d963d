import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { makePacketsThriftily } from '../../src/ssh/outgoing-packets.ts';
import type { Cipher } from '../../src/ssh/ssh2-internals.ts';

/** ssh2's own: `bindingAvailable` says whether those of its native addon are there. */
const ssh2 = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js');

interface Config {
  readonly cipher: string;
  readonly mac?: string;
}

const CONFIGS: readonly Config[] = [
  { cipher: 'aes128-gcm@openssh.com' },
  { cipher: 'chacha20-poly1305@openssh.com' },
  { cipher: 'aes256-ctr', mac: 'hmac-sha2-256' },
  { cipher: 'aes256-ctr', mac: 'hmac-sha2-256-etm@openssh.com' },
];

async function create({ cipher, mac }: Config): Promise<Cipher> {
  await ssh2.init;
  const cipherInfo = ssh2.CIPHER_INFO[cipher];
  const macInfo = mac === undefined ? undefined : ssh2.MAC_INFO[mac];
  return ssh2.createCipher({
    outbound: {
      seqno: 0,
      onWrite: () => undefined,
      cipherInfo,
      cipherKey: Buffer.alloc(cipherInfo.keyLen, 1),
      cipherIV: Buffer.alloc(cipherInfo.ivLen || 12, 2),
      macInfo,
      macKey: macInfo && Buffer.alloc(macInfo.len, 3),
    },
  });
}

/** What is not random in a packet without a payload of its own. */
const frameOf = (packet: Buffer) => ({ bytes: packet.length, head: packet.toString('hex', 0, 5) });

const paddingOf = (packet: Buffer, payloadLength: number) =>
  packet.toString('hex', 5 + payloadLength, 5 + payloadLength + packet.readUInt8(4));

test.each(CONFIGS)('packets of $cipher $mac are those of ssh2, whatever their size', async (config) => {
  const [own, padded] = [await create(config), await create(config)];
  makePacketsThriftily(padded, new Socket());
  for (const length of [...Array(80).keys(), 32_768, 32_777]) {
    const wanted = frameOf(own.allocPacket(length));
    // The second is the first that is not ssh2's.
    for (const _ of [1, 2, 3]) expect(frameOf(padded.allocPacket(length))).toEqual(wanted);
  }
});

test('no padding is used twice, in whatever cipher', async () => {
  const ciphers = await Promise.all([
    create({ cipher: 'aes128-gcm@openssh.com' }),
    create({ cipher: 'aes128-gcm@openssh.com' }),
  ]);
  for (const cipher of ciphers) makePacketsThriftily(cipher, new Socket());
  const seen = new Set<string>();
  const packets = 2_000;
  for (let index = 0; index < packets; index++)
    for (const cipher of ciphers) seen.add(paddingOf(cipher.allocPacket(3), 3));
  // 12 bytes each: two are the same by chance once in 10^22 runs.
  expect(seen.size).toBe(2 * packets);
});

/** Both ends of a connection on which packets go as they are. */
async function connected() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  const cipher: Cipher = new ssh2.NullCipher(0, (bytes: Buffer) => socket.write(bytes));
  makePacketsThriftily(cipher, socket);
  return { client, socket, cipher };
}

const PAYLOAD = 32_768;

function send(cipher: Cipher, fill: number): Buffer {
  const packet = cipher.allocPacket(PAYLOAD).fill(fill, 5, 5 + PAYLOAD);
  cipher.encrypt(packet);
  return packet;
}

test('what the kernel has taken is made room for the next, on whichever connection', async () => {
  const [one, other] = [await connected(), await connected()];
  // The first of a size on each is ssh2's.
  for (const { cipher } of [one, other]) send(cipher, 0);
  const { buffer } = send(one.cipher, 1);
  expect(one.socket.writableLength).toBe(0);
  expect(send(other.cipher, 2).buffer).toBe(buffer);
  expect(send(one.cipher, 3).buffer).toBe(buffer);
});

test('what the kernel has not taken yet stays as it is', async () => {
  const [slow, fast] = [await connected(), await connected()];
  fast.client.resume();
  const packets = 400;
  let sent = 0;
  for (; sent < packets; sent++) {
    send(slow.cipher, sent % 251);
    send(fast.cipher, 255);
  }
  expect(slow.socket.writableLength).toBeGreaterThan(100 * PAYLOAD);
  slow.socket.end();
  const chunks: Buffer[] = [];
  for await (const chunk of slow.client) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const packetBytes = bytes.length / packets;
  const fills = Array.from({ length: packets }, (_, index) => {
    const start = index * packetBytes + 5;
    return new Set(bytes.subarray(start, start + PAYLOAD));
  });
  expect(fills).toEqual(Array.from({ length: packets }, (_, index) => new Set([index % 251])));
});
