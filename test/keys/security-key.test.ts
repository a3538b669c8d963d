import { describe, expect, test } from 'vitest';
import { isSecurityKey, readSecurityKeyUse, verifySecurityKey } from '../../src/keys/security-key.ts';
import { createSecurityKey, TOUCHED, VERIFIED } from '../support/security-key.ts';

const MESSAGE = Buffer.from('session, user name and what else is signed');

/** A key, and its signature as ssh2 hands it on: behind the algorithm's name and the length of what is signed. */
function signedBy(type: 'ed25519' | 'ecdsa', flags = TOUCHED) {
  const key = createSecurityKey(type);
  key.flags = flags;
  const signature = key.sign(MESSAGE).subarray(4 + key.algorithm.length + 4);
  return { key, signature };
}

test.each([
  [0, { userPresent: false, userVerified: false }],
  [TOUCHED, { userPresent: true, userVerified: false }],
  [TOUCHED | VERIFIED, { userPresent: true, userVerified: true }],
  [0x80, { userPresent: false, userVerified: false }],
])('flags of %d say what its owner has done', (flags, use) => {
  expect(readSecurityKeyUse(signedBy('ed25519', flags).signature)).toEqual(use);
});

test('a signature that is too short for flags says nothing', () => {
  expect(readSecurityKeyUse(Buffer.alloc(4))).toBeUndefined();
});

test('only security keys are some', () => {
  expect(['ssh-ed25519', 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com'].filter(isSecurityKey)).toEqual([]);
});

describe.each(['ed25519', 'ecdsa'] as const)('a signature by %s', (type) => {
  test('is right, a hundred times: numbers may begin with zeros', () => {
    const wrong = Array.from({ length: 100 }, () => signedBy(type)).filter(
      ({ key, signature }) => !verifySecurityKey(key, MESSAGE, signature),
    );
    expect(wrong).toEqual([]);
  });

  test('is wrong when any byte of it is another', () => {
    const { key, signature } = signedBy(type);
    const survivors = [...signature.keys()].filter((index) => {
      const changed = Buffer.from(signature);
      changed[index] = (changed[index] ?? 0) ^ 1;
      return verifySecurityKey(key, MESSAGE, changed);
    });
    expect(survivors).toEqual([]);
  });

  test('is wrong when it is cut anywhere, or goes on', () => {
    const { key, signature } = signedBy(type);
    const cuts = [...signature.keys()].map((length) => signature.subarray(0, length));
    const longer = [Buffer.concat([signature, Buffer.of(0)]), Buffer.concat([Buffer.of(0), signature])];
    expect([...cuts, ...longer].filter((bytes) => verifySecurityKey(key, MESSAGE, bytes))).toEqual([]);
  });

  test('is wrong for another message, another application, another key', () => {
    const { key, signature } = signedBy(type);
    const elsewhere = Buffer.from(key.blob).fill('S', key.blob.length - 4, key.blob.length - 3);
    expect(verifySecurityKey(key, Buffer.from('another'), signature)).toBe(false);
    expect(verifySecurityKey({ ...key, blob: elsewhere }, MESSAGE, signature)).toBe(false);
    expect(verifySecurityKey(createSecurityKey(type), MESSAGE, signature)).toBe(false);
  });

  test('is wrong for what is no key at all', () => {
    const { key, signature } = signedBy(type);
    const other = createSecurityKey(type === 'ecdsa' ? 'ed25519' : 'ecdsa');
    for (const blob of [Buffer.alloc(0), Buffer.alloc(3), key.blob.subarray(0, -1), other.blob]) {
      expect(verifySecurityKey({ ...key, blob }, MESSAGE, signature)).toBe(false);
    }
  });
});
