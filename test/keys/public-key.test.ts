import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodePublicKey, fingerprint, isSameKey, KEY_TYPES } from '../../src/keys/public-key.ts';
import { run } from '../support/processes.ts';
import { createSecurityKey } from '../support/security-key.ts';
import { str } from '../support/sftp-packets.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A `.pub` file of ssh-keygen's, in its parts. */
async function keygen(type: string, bits: number) {
  const file = join(folder, `${type}-${bits}`);
  const made = await run('ssh-keygen', ['-q', '-t', type, '-b', String(bits), '-N', '', '-f', file]);
  expect(made).toMatchObject({ code: 0 });
  const [algorithm = '', base64 = ''] = (await readFile(`${file}.pub`, 'utf8')).split(' ');
  return { file: `${file}.pub`, algorithm, base64 };
}

/** `SHA256:...`, as ssh-keygen has it. */
async function fingerprintOf(file: string): Promise<string | undefined> {
  return (await run('ssh-keygen', ['-l', '-f', file])).stdout.split(' ')[1];
}

describe('keys of ssh-keygen', () => {
  test.each([
    ['ed25519', 256],
    ['ecdsa', 256],
    ['ecdsa', 384],
    ['ecdsa', 521],
    ['rsa', 2048],
    ['rsa', 3072],
  ])('%s of %d bits are read, and named as it names them', async (type, bits) => {
    const { file, algorithm, base64 } = await keygen(type, bits);
    const key = decodePublicKey(algorithm, base64);
    expect(key).toEqual({ algorithm, blob: Buffer.from(base64, 'base64') });
    expect(fingerprint(key)).toBe(await fingerprintOf(file));
  });

  test.each([1024, 2047])('of RSA with %d bits are refused', async (bits) => {
    const { algorithm, base64 } = await keygen('rsa', bits);
    expect(() => decodePublicKey(algorithm, base64)).toThrow('is an RSA key of less than 2048 bits');
  });
});

test.each(['ed25519', 'ecdsa'] as const)('security keys of the type %s are read', async (type) => {
  const { algorithm, blob } = createSecurityKey(type);
  expect(decodePublicKey(algorithm, blob.toString('base64'))).toEqual({ algorithm, blob });
});

describe('what is no whole key', () => {
  const ED25519 = Buffer.concat([str('ssh-ed25519'), str(Buffer.alloc(32, 1))]);
  const point = (length: number, mark = 4) => str(Buffer.alloc(length, 1).fill(mark, 0, 1));
  const ecdsa = (name: string, curve: string, bytes: Buffer) => Buffer.concat([str(name), str(curve), bytes]);

  test.each([
    ['ssh-dss', Buffer.concat([str('ssh-dss'), str(Buffer.alloc(32))]), 'has a type that is not accepted'],
    ['toString', ED25519, 'has a type that is not accepted'],
    ['ssh-rsa', ED25519, 'is no whole ssh-rsa key'],
    ['ssh-ed25519', ED25519.subarray(0, -1), 'is no whole ssh-ed25519 key'],
    ['ssh-ed25519', Buffer.concat([ED25519, str('x')]), 'is no whole ssh-ed25519 key'],
    ['ssh-ed25519', Buffer.concat([ED25519, Buffer.of(0)]), 'is no whole ssh-ed25519 key'],
    ['ssh-ed25519', str('ssh-ed25519'), 'is no whole ssh-ed25519 key'],
    ['ssh-ed25519', Buffer.alloc(0), 'is no whole ssh-ed25519 key'],
    [
      'ecdsa-sha2-nistp256',
      ecdsa('ecdsa-sha2-nistp256', 'nistp384', point(65)),
      'is no whole ecdsa-sha2-nistp256 key',
    ],
    [
      'ecdsa-sha2-nistp256',
      ecdsa('ecdsa-sha2-nistp256', 'nistp256', point(97)),
      'is no whole ecdsa-sha2-nistp256 key',
    ],
    [
      'ecdsa-sha2-nistp256',
      ecdsa('ecdsa-sha2-nistp256', 'nistp256', point(65, 2)),
      'is no whole ecdsa-sha2-nistp256 key',
    ],
    ['ssh-rsa', Buffer.concat([str('ssh-rsa'), str(Buffer.of(3))]), 'is no whole ssh-rsa key'],
    ['ssh-rsa', Buffer.concat([str('ssh-rsa'), str('e'), str('')]), 'is an RSA key of less than 2048 bits'],
  ])('%s', (algorithm, blob, reason) => {
    expect(() => decodePublicKey(algorithm, blob.toString('base64'))).toThrow(reason);
  });

  test('says which types are accepted', () => {
    expect(KEY_TYPES).toEqual([
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
      'ecdsa-sha2-nistp384',
      'ecdsa-sha2-nistp521',
      'ssh-rsa',
      'sk-ssh-ed25519@openssh.com',
      'sk-ecdsa-sha2-nistp256@openssh.com',
    ]);
  });
});

describe('isSameKey', () => {
  const blobOf = (fill = 1) => Buffer.concat([str('ssh-ed25519'), str(Buffer.alloc(32, fill))]);
  const key = { algorithm: 'ssh-ed25519', blob: new Uint8Array(blobOf()) };

  test('compares bytes, whatever holds them', () => {
    expect(isSameKey(key, { algorithm: 'ssh-ed25519', blob: blobOf() })).toBe(true);
  });

  test('a key that differs in a bit, or is longer, is another', () => {
    expect(isSameKey(key, { ...key, blob: blobOf(3) })).toBe(false);
    expect(isSameKey(key, { ...key, blob: Buffer.concat([key.blob, Buffer.of(0)]) })).toBe(false);
    expect(isSameKey(key, { ...key, blob: key.blob.subarray(0, 20) })).toBe(false);
  });

  test('the name of the signature algorithm is no part of the key: rsa-sha2-512 signs with ssh-rsa keys', () => {
    expect(isSameKey({ ...key, algorithm: 'rsa-sha2-512' }, key)).toBe(true);
  });
});
