import { hash } from '@node-rs/argon2';
import { beforeEach, expect, test, vi } from 'vitest';
import { digestPassword, isPasswordHash, verifyPassword } from '../../src/auth/passwords.ts';

vi.mock('@node-rs/argon2', async (importOriginal) => {
  const original = await importOriginal<typeof import('@node-rs/argon2')>();
  return { ...original, hash: vi.fn(original.hash) };
});
beforeEach(() => {
  vi.mocked(hash).mockClear();
});

test('a digest is of its password only, and shows nothing of it', async () => {
  const digest = digestPassword('sesame öpen');
  expect(digest).not.toContain('sesame');
  expect(await verifyPassword(digest, 'sesame öpen')).toBe(true);
  for (const other of ['', 'sesame', 'sesame öpen ', digest]) {
    expect(await verifyPassword(digest, other)).toBe(false);
  }
});

test.each(['right', 'wrong'])('checking one costs a hash of our own: %s', async (password) => {
  const digest = digestPassword('right');
  await verifyPassword(digest, password);
  const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
  expect(vi.mocked(hash).mock.calls).toEqual([[password, cost]]);
});

test('a digest is no hash that a document may have: nothing slows down who finds it there', () => {
  expect(isPasswordHash(digestPassword('x'))).toBe(false);
});
