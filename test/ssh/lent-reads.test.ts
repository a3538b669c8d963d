import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import ssh2, { type CipherAlgorithm } from 'ssh2';
import { afterEach, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { answer, KiB, RawSession } from '../clients/ssh2-client.ts';
import { Dice } from '../support/dice.ts';
import { watchUploads } from '../support/sftp-driver.ts';
import { close, init, open, UPLOAD, write } from '../support/sftp-packets.ts';
import { type InProcess, startInProcess } from './in-process.ts';

/** Bytes of one file: some sixty SSH packets. */
const FILE_BYTES = 512 * KiB;

let running: InProcess;
let relay: Server;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  relay.close();
  await running.close();
});

/** Passes on what a client sends in pieces that end anywhere, each read on its own: in mid-header, before a MAC, within one. */
async function cuttingRelay(port: number, seed: number): Promise<Server> {
  const dice = new Dice(seed);
  const server = createServer((client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    sockets.push(client, upstream);
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
    upstream.pipe(client);
    // Whoever goes first, what was sent has been answered by then.
    passOn(client, upstream).catch(() => undefined);
  });
  async function passOn(client: Socket, upstream: Socket): Promise<void> {
    for await (const chunk of client as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        const length = dice.chance(0.3) ? dice.between(1, 40) : dice.between(1, 40_000);
        upstream.write(chunk.subarray(at, at + length));
        at += length;
        await turn();
      }
    }
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function upload(path: string, content: Buffer, cipher: CipherAlgorithm, writeBytes: number) {
  const ssh = new ssh2.Client();
  ssh.on('error', () => undefined);
  const { port } = relay.address() as AddressInfo;
  ssh.connect({ port, host: '127.0.0.1', username: 'acme', password: 'x', algorithms: { cipher: [cipher] } });
  await once(ssh, 'ready');
  const session = new RawSession(await answer((done) => ssh.subsys('sftp', done)));
  await session.send(init());
  const opened = await session.send(open(1, path, UPLOAD));
  if (opened.kind !== 'handle') throw new Error(`OPEN was answered by ${opened.kind}`);
  const answers = [];
  for (let at = 0; at < content.length; at += writeBytes) {
    answers.push(session.send(write(at, opened.handle, at, content.subarray(at, at + writeBytes))));
  }
  answers.push(session.send(close(2, opened.handle)));
  for (const each of await Promise.all(answers)) expect(each).toMatchObject({ code: 0 });
  ssh.end();
}

/** Keeps every third chunk for a while before it looks at it, as the contract lets it. */
function slowly(): StreamingBackend {
  let writes = 0;
  return watchUploads({ writeChunk: () => (writes++ % 3 === 0 ? turn() : undefined) }).backend;
}

const CIPHERS: readonly CipherAlgorithm[] = [
  'chacha20-poly1305@openssh.com',
  'aes128-gcm@openssh.com',
  'aes128-ctr',
];

test.each([
  ['one that is done with bytes at once', () => createMemoryBackend()],
  ['one that takes its time', slowly],
])(
  'files arrive as they were sent, however reads cut them and whoever is read in between: into %s',
  async (_, create) => {
    const backend = create();
    running = await startInProcess(backend);
    relay = await cuttingRelay(running.port, 9);
    const files = CIPHERS.flatMap((cipher, index) =>
      [700, 32 * KiB, 255 * KiB].map((writeBytes) => ({
        path: `/${index}-${writeBytes}`,
        content: randomBytes(FILE_BYTES),
        cipher,
        writeBytes,
      })),
    );
    await Promise.all(
      files.map(({ path, content, cipher, writeBytes }) => upload(path, content, cipher, writeBytes)),
    );
    for (const { path, content } of files) {
      const stored = Buffer.from(await backend.readFile(createTestContext(), path));
      expect(stored.equals(content), path).toBe(true);
    }
  },
);
