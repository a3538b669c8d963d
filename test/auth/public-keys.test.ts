import { describe, expect, test } from 'vitest';
import { isSameKey, parsePublicKey } from '../../src/auth/public-keys.ts';
import { str } from '../support/sftp-packets.ts';

const blobOf = (type: string, fill = 1) => Buffer.concat([str(type), str(Buffer.alloc(32, fill))]);
const line = (type: string, blob: Buffer, comment = '') => `${type} ${blob.toString('base64')}${comment}`;

describe('parsePublicKey', () => {
  test.each(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'])(
    'reads a key of the type %s',
    (type) => {
      expect(parsePublicKey(line(type, blobOf(type)))).toEqual({ algorithm: type, blob: blobOf(type) });
    },
  );

  test.each(['', ' me@host', ' a comment with blanks', '\n'])(
    'passes over what follows the key: "%s"',
    (rest) => {
      const blob = blobOf('ssh-ed25519');
      expect(parsePublicKey(`  ${line('ssh-ed25519', blob, rest)}`)).toEqual({
        algorithm: 'ssh-ed25519',
        blob,
      });
    },
  );

  test.each([
    ['nothing', ''],
    ['a type alone', 'ssh-ed25519'],
    ['base64 alone', blobOf('ssh-ed25519').toString('base64')],
    ['a type that is not accepted', line('ssh-dss', blobOf('ssh-dss'))],
    ['a certificate', line('ssh-ed25519-cert-v01@openssh.com', blobOf('ssh-ed25519-cert-v01@openssh.com'))],
    ['a type that its bytes contradict', line('ssh-rsa', blobOf('ssh-ed25519'))],
    ['a key without content', line('ssh-ed25519', str('ssh-ed25519'))],
    ['a key cut short', line('ssh-ed25519', blobOf('ssh-ed25519').subarray(0, 9))],
    ['options in front', `no-pty ${line('ssh-ed25519', blobOf('ssh-ed25519'))}`],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ])('%s is none', (_, text) => {
    expect(parsePublicKey(text)).toBeUndefined();
  });
});

describe('isSameKey', () => {
  const key = { algorithm: 'ssh-ed25519', blob: new Uint8Array(blobOf('ssh-ed25519')) };

  test('compares bytes, whatever holds them', () => {
    expect(isSameKey(key, { algorithm: 'ssh-ed25519', blob: blobOf('ssh-ed25519') })).toBe(true);
  });

  test('a key that differs in a bit, or is longer, is another', () => {
    expect(isSameKey(key, { ...key, blob: blobOf('ssh-ed25519', 3) })).toBe(false);
    expect(isSameKey(key, { ...key, blob: Buffer.concat([key.blob, Buffer.of(0)]) })).toBe(false);
    expect(isSameKey(key, { ...key, blob: key.blob.subarray(0, 20) })).toBe(false);
  });

  test('the name of the signature algorithm is no part of the key: rsa-sha2-512 signs with ssh-rsa keys', () => {
    expect(isSameKey({ ...key, algorithm: 'rsa-sha2-512' }, key)).toBe(true);
  });
});
