import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../src/ssh/algorithms.ts';
import { choose, isServed, readKexInit, withKex } from '../../src/ssh/kexinit.ts';
import { kexInit } from './raw-handshake.ts';

const OLD = {
  kex: 'diffie-hellman-group14-sha1',
  hostKey: 'ssh-rsa',
  cipher: 'aes128-ctr',
  mac: 'hmac-sha1',
};

describe('a KEXINIT', () => {
  test('is read list by list', () => {
    expect(readKexInit(kexInit({ ...OLD, kex: 'a,b', compress: 'none,zlib' }))).toMatchObject({
      kex: ['a', 'b'],
      serverHostKey: ['ssh-rsa'],
      cipherIn: ['aes128-ctr'],
      macOut: ['hmac-sha1'],
      compressOut: ['none', 'zlib'],
    });
  });

  test('that is cut anywhere in these is none', () => {
    const whole = kexInit(OLD);
    // Behind the lists that are read there are two empty ones and five bytes.
    for (let length = 0; length < whole.length - 13; length++) {
      expect(readKexInit(whole.subarray(0, length))).toBeUndefined();
    }
  });

  test('with other key exchanges is the same otherwise', () => {
    expect(withKex(kexInit(OLD), ['x', 'yz'])).toEqual(kexInit({ ...OLD, kex: 'x,yz' }));
  });
});

test('the order of the client decides', () => {
  expect(choose(['a', 'b'], ['c', 'b', 'a'])).toBe('b');
  expect(choose(['a'], ['b'])).toBeUndefined();
});

describe('whether a client is served', () => {
  const isServedBy = (
    lists: Partial<typeof OLD> & { compress?: string },
    policy: keyof typeof ALGORITHMS,
  ) => {
    const offer = readKexInit(kexInit({ ...OLD, ...lists }));
    return offer !== undefined && isServed(offer, ALGORITHMS[policy]);
  };

  test('that knows SHA-1 alone is a matter of the policy', () => {
    expect([isServedBy({}, 'compatible'), isServedBy({}, 'modern')]).toEqual([true, false]);
  });

  test('takes something in common of each list, but a MAC where the cipher needs none', () => {
    expect(isServedBy({ kex: 'x' }, 'compatible')).toBe(false);
    expect(isServedBy({ hostKey: 'ssh-dss' }, 'compatible')).toBe(false);
    expect(isServedBy({ cipher: 'aes128-cbc' }, 'compatible')).toBe(false);
    expect(isServedBy({ mac: 'hmac-md5' }, 'compatible')).toBe(false);
    expect(isServedBy({ compress: 'zlib' }, 'compatible')).toBe(false);
    expect(isServedBy({ mac: 'hmac-md5', cipher: 'aes256-gcm@openssh.com' }, 'compatible')).toBe(true);
  });
});
