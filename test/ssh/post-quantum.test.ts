import {
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyPairKeyObjectResult,
} from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { generateHostKeyText, parseHostKey } from '../../src/ssh/host-keys.ts';
import { type InProcess, startInProcess } from './in-process.ts';
import {
  type Exchanged,
  exchangeHash,
  isSigned,
  KEX_INIT,
  KEX_REPLY,
  kexInit,
  NEWKEYS,
  RawClient,
  receiveEncrypted,
  string,
  strings,
} from './raw-handshake.ts';

const HYBRID = 'mlkem768x25519-sha256';
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const DISCONNECT = 1;
const EXT_INFO = 7;

let running: InProcess;
beforeEach(async () => {
  running = await startInProcess(createMemoryBackend(), {
    hostKeys: [parseHostKey(generateHostKeyText(), 'test')],
  });
});
afterEach(() => running.close());

const x25519Raw = ({ publicKey }: KeyPairKeyObjectResult) =>
  publicKey.export({ type: 'spki', format: 'der' }).subarray(X25519_SPKI.length);

/** As far as what the client sends for the exchange; the reply is yet to come. */
async function begin(kex: string, clientPublic: Buffer) {
  const client = new RawClient(running.port);
  const serverIdent = await client.identify();
  const clientKexInit = kexInit({ kex });
  client.send(clientKexInit);
  const serverKexInit = await client.receive();
  client.send(Buffer.concat([Buffer.from([KEX_INIT]), string(clientPublic)]));
  return { client, serverIdent, clientKexInit, serverKexInit, clientPublic };
}

async function shakeHands(kex: string) {
  const [kem, x25519] = [ml_kem768.keygen(), generateKeyPairSync('x25519')];
  const begun = await begin(kex, Buffer.concat([kem.publicKey, x25519Raw(x25519)]));
  const reply = await begun.client.receive();
  expect(reply[0]).toBe(KEX_REPLY);
  const [, serverPublic] = strings(reply, 1, 2) as [Buffer, Buffer];
  expect(serverPublic).toHaveLength(1088 + 32);
  const agreed = diffieHellman({
    privateKey: x25519.privateKey,
    publicKey: createPublicKey({
      key: Buffer.concat([X25519_SPKI, serverPublic.subarray(1088)]),
      type: 'spki',
      format: 'der',
    }),
  });
  const shared = ml_kem768.decapsulate(serverPublic.subarray(0, 1088), kem.secretKey);
  const secret = createHash('sha256').update(shared).update(agreed).digest();
  const exchanged: Exchanged = { ...begun, reply };
  return { client: begun.client, exchanged, secret };
}

describe('mlkem768x25519-sha256', () => {
  test('is what the server offers first, with strict key exchange and no compression', async () => {
    const client = new RawClient(running.port);
    expect(await client.identify()).toBe('SSH-2.0-Sluice');
    client.send(kexInit({ kex: HYBRID }));
    const [kex, , , , , , compressIn, compressOut] = strings(await client.receive(), 17, 8).map(String);
    expect(kex?.split(',')[0]).toBe(HYBRID);
    expect(kex?.split(',')).toContain('kex-strict-s-v00@openssh.com');
    expect([compressIn, compressOut]).toEqual(['none', 'none']);
    client.socket.destroy();
  });

  test('gives both sides the same keys: the signature is over the hash that the client has', async () => {
    // Every other secret would be hashed otherwise if it were a number: its first bit is set.
    for (let round = 0; round < 8; round++) {
      const { client, exchanged, secret } = await shakeHands(`${HYBRID},curve25519-sha256,ext-info-c`);
      const hash = exchangeHash(exchanged, secret);
      expect(isSigned(exchanged, hash)).toBe(true);
      expect((await client.receive())[0]).toBe(NEWKEYS);
      client.send(Buffer.from([NEWKEYS]));
      expect((await receiveEncrypted(client, secret, hash))[0]).toBe(EXT_INFO);
      client.socket.destroy();
    }
  });

  test('is not used when the client likes another better', async () => {
    const own = generateKeyPairSync('x25519');
    const { client } = await begin(`curve25519-sha256,${HYBRID}`, Buffer.from(x25519Raw(own)));
    const [, serverPublic] = strings(await client.receive(), 1, 2);
    expect(serverPublic).toHaveLength(32);
    client.socket.destroy();
  });

  const x25519 = () => x25519Raw(generateKeyPairSync('x25519'));
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['an X25519 key alone', x25519()],
    ['one byte too few', Buffer.alloc(1215)],
    ['one byte too many', Buffer.concat([ml_kem768.keygen().publicKey, x25519(), Buffer.alloc(1)])],
    ['an ML-KEM key of numbers that there are not', Buffer.concat([Buffer.alloc(1184, 255), x25519()])],
    ['an X25519 key of small order', Buffer.concat([ml_kem768.keygen().publicKey, Buffer.alloc(32)])],
  ])('with %s from the client comes to an end, and to no reply', async (_, clientPublic) => {
    const { client } = await begin(HYBRID, clientPublic);
    expect((await client.receive())[0]).toBe(DISCONNECT);
    await client.ended;
    expect(running.messages).toContain('handshake failed');
  });
});
