import { scryptSync } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { describe, expect, test } from 'vitest';
import { decoyHash, hashPassword, isPasswordHash, verifyPassword } from '../../src/auth/passwords.ts';

/** By Node's own scrypt, in the PHC format. */
const SCRYPT = `$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$${scryptSync('correct horse', 'saltsaltsaltsalt', 32, { N: 1024, r: 8, p: 1 }).toString('base64').replace('=', '')}`;
const CHEAP = { memoryCost: 64, timeCost: 1, parallelism: 1 };

describe('passwords', () => {
  test('a hash is argon2id with the cost that OWASP recommends, and is of its password only', async () => {
    const made = await hashPassword('correct horse');
    expect(made).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verifyPassword(made, 'correct horse')).toBe(true);
    expect(await verifyPassword(made, 'correct horsf')).toBe(false);
    expect(await verifyPassword(made, '')).toBe(false);
  });

  test('two hashes of one password differ', async () => {
    expect(await hashPassword('x')).not.toBe(await hashPassword('x'));
  });

  test('a hash made elsewhere, with another cost, is verified by its own', async () => {
    const made = await hash('pässwörd 🔑', CHEAP);
    expect(await verifyPassword(made, 'pässwörd 🔑')).toBe(true);
    expect(await verifyPassword(made, 'passwörd 🔑')).toBe(false);
  });

  test.each([
    ['bcrypt', '$2b$04$eT6NCoiZCEGQIZ08qSNRsOr8LreVmVMGI5tk1eTeSuzVke0JkVwtq'],
    ['scrypt', SCRYPT],
  ])('a hash of %s is verified too', async (_, made) => {
    expect(isPasswordHash(made)).toBe(true);
    expect(await verifyPassword(made, 'correct horse')).toBe(true);
    expect(await verifyPassword(made, 'correct horsf')).toBe(false);
    const decoy = decoyHash(made);
    expect(isPasswordHash(decoy)).toBe(true);
    expect(decoy).not.toBe(made);
    expect(await verifyPassword(decoy, 'correct horse')).toBe(false);
  });

  test('a hash that would take more memory than a server should give is none', () => {
    expect(isPasswordHash(SCRYPT.replace('ln=10', 'ln=18'))).toBe(true);
    expect(isPasswordHash(SCRYPT.replace('ln=10', 'ln=19'))).toBe(false);
  });

  test.each(['', 'x', '$argon2id$v=19$m=64,t=1,p=1$x$y', '$2b$12$abcdefghijklmnopqrstuv'])(
    'a hash that cannot be read matches nothing: "%s"',
    async (made) => {
      expect(await verifyPassword(made, '')).toBe(false);
      expect(await verifyPassword(made, 'x')).toBe(false);
    },
  );

  test('a decoy costs what the given hash does, or what our own would, and matches nothing', async () => {
    const like = await hash('x', CHEAP);
    expect(decoyHash(like)).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$[^$]+\$[^$]+$/);
    expect(decoyHash()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    // A decoy that cannot be read would be answered at once: that is rejected here, and false when it has been checked.
    for (const decoy of [decoyHash(like), decoyHash()]) expect(await verify(decoy, 'x')).toBe(false);
    expect(decoyHash(like)).not.toBe(decoyHash(like));
  });
});
