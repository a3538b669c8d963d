import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const deriveKey = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Most memory that a scrypt hash may take to check, in bytes. */
const MAX_SCRYPT_BYTES = 256 * 1024 ** 2;

/** What hashes look like: those of others come from where their users are moved from. */
const FORMATS = {
  argon2id: /^\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[^$]+\$[^$]+$/,
  /** Modular crypt format: version, log2 of the rounds, 22 characters of salt, 31 of hash. */
  bcrypt: /^\$2[aby]\$(?:0[4-9]|1\d|2[0-4])\$[./A-Za-z0-9]{53}$/,
  /** PHC string format, as passlib and others write it. */
  scrypt: /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{22,})$/,
} as const;

/** Of a password that its source has in the clear; in no document. */
const DIGEST = /^\$sha256\$([A-Za-z0-9+/]{43}=)$/;

/** Whether a hash is one that can be checked. */
export function isPasswordHash(text: string): boolean {
  if (FORMATS.scrypt.test(text)) return scryptBytes(text) <= MAX_SCRYPT_BYTES;
  return FORMATS.argon2id.test(text) || FORMATS.bcrypt.test(text);
}

/** Loaded with the first password: who lets in keys alone pays for neither, some MiB each. */
const loadArgon2 = () => import('@node-rs/argon2');
const loadBcrypt = () => import('@node-rs/bcrypt');

/** An argon2id hash in PHC string format, with a random salt. */
export async function hashPassword(password: string): Promise<string> {
  return await (await loadArgon2()).hash(password, COST);
}

/**
 * What {@link verifyPassword} takes for a password that its source has in the clear. It keeps the password out of memory, and is no
 * protection against guesses: a digest is to be kept as a password is.
 */
export function digestPassword(password: string): string {
  return `$sha256$${createHash('sha256').update(password).digest('base64')}`;
}

/** Whether the password is that of the hash: argon2id, bcrypt, scrypt, or a digest. False for a hash that cannot be read. */
export async function verifyPassword(passwordHash: string, password: string): Promise<boolean> {
  try {
    if (FORMATS.bcrypt.test(passwordHash)) return await (await loadBcrypt()).verify(password, passwordHash);
    if (FORMATS.scrypt.test(passwordHash)) return await verifyScrypt(passwordHash, password);
    if (DIGEST.test(passwordHash)) return await verifyDigest(passwordHash, password);
    return await (await loadArgon2()).verify(passwordHash, password);
  } catch {
    return false;
  }
}

/**
 * A hash that no password matches, as expensive to check as `like`, or as our own when that is absent. No password is hashed for it: its
 * digest is as good as random, in the form that the check takes, which would otherwise refuse it at once.
 */
export function decoyHash(like?: string): string {
  if (like !== undefined && !FORMATS.argon2id.test(like)) return withOtherSecret(like);
  const { memoryCost: m, timeCost: t, parallelism: p } = COST;
  const cost = like?.match(/\$m=\d+,t=\d+,p=\d+\$/)?.[0] ?? `$m=${m},t=${t},p=${p}$`;
  return `$argon2id$v=19${cost}${randomText(16)}$${randomText(32)}`;
}

/** So many bytes in base64 without padding, as the PHC string format has them. */
function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '');
}

/** The same salt and cost, and the hash of nothing that anybody knows. */
function withOtherSecret(like: string): string {
  const length = like.startsWith('$2') ? 31 : (like.split('$').at(-1)?.length ?? 0);
  const secret = randomBytes(length).toString('base64').slice(0, length);
  const kept = like.slice(0, -length);
  // The last character of a bcrypt hash holds four bits; one of these stands for any of them.
  return like.startsWith('$2') ? `${kept}${secret.replaceAll('+', '.').slice(0, -1)}O` : kept + secret;
}

/** As long as a check of a hash of our own takes: the time of an answer does not tell how a source has its passwords. */
async function verifyDigest(digest: string, password: string): Promise<boolean> {
  await hashPassword(password);
  return timingSafeEqual(Buffer.from(digest), Buffer.from(digestPassword(password)));
}

async function verifyScrypt(passwordHash: string, password: string): Promise<boolean> {
  const [, ln, r, p, salt = '', expected = ''] = FORMATS.scrypt.exec(passwordHash) ?? [];
  const digest = Buffer.from(expected, 'base64');
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: 2 * MAX_SCRYPT_BYTES };
  const derived = await deriveKey(password, Buffer.from(salt, 'base64'), digest.length, cost);
  return timingSafeEqual(derived, digest);
}

/** 128 bytes for each of N times r (RFC 7914, section 2). */
function scryptBytes(text: string): number {
  const [, ln, r] = FORMATS.scrypt.exec(text) ?? [];
  return 128 * Number(r) * 2 ** Number(ln);
}
