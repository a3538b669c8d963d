import { createHash, createPublicKey, type JsonWebKeyInput, verify } from 'node:crypto';
import type { PublicKey, SecurityKeyUse } from '../contract/auth.ts';
import { readStrings } from './public-key.ts';

const ED25519 = 'sk-ssh-ed25519@openssh.com';
const ECDSA = 'sk-ecdsa-sha2-nistp256@openssh.com';

/** Of the flags that an authenticator signs with (WebAuthn, section 6.1). */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/** Behind the signature proper: a byte of flags and a counter of four. */
const TRAILER_BYTES = 5;

/** Whether the key is in a FIDO authenticator, by the name of its algorithm. */
export function isSecurityKey(algorithm: string): boolean {
  return algorithm === ED25519 || algorithm === ECDSA;
}

/** What the authenticator says of its signature, which is not verified yet; undefined when it is none. */
export function readSecurityKeyUse(signature: Uint8Array): SecurityKeyUse | undefined {
  const flags = signature.at(-TRAILER_BYTES);
  if (flags === undefined) return undefined;
  return { userPresent: (flags & USER_PRESENT) !== 0, userVerified: (flags & USER_VERIFIED) !== 0 };
}

/**
 * Whether the key has signed the message (OpenSSH, PROTOCOL.u2f, "SSH U2F signatures"): not the message itself, but the hash of the
 * application that the key is for, flags, counter, and the hash of the message. `signature` is what follows the name of the
 * algorithm: the bytes of the signature proper, without their length, then flags and counter.
 */
export function verifySecurityKey(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const [type, ...fields] = readStrings(key.blob) ?? [];
  const application = fields.at(-1);
  if (type?.toString() !== key.algorithm || application === undefined) return false;
  const proper = signature.subarray(0, -TRAILER_BYTES);
  const signed = Buffer.concat([sha256(application), signature.subarray(-TRAILER_BYTES), sha256(message)]);
  try {
    if (key.algorithm === ED25519) return verify(undefined, signed, toEd25519(fields), proper);
    const raw = toRaw(proper);
    const publicKey = createPublicKey(toP256(fields));
    return raw !== undefined && verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw);
  } catch {
    // A point that is none, for one.
    return false;
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function toEd25519([point]: readonly Buffer[]) {
  const x = point?.toString('base64url') ?? '';
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

function toP256([, point = Buffer.alloc(0)]: readonly Buffer[]): JsonWebKeyInput {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  return { key: { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }, format: 'jwk' };
}

/** Two numbers as SSH has them (RFC 5656, section 3.1.2), side by side at full length. */
function toRaw(signature: Uint8Array): Buffer | undefined {
  const numbers = readStrings(signature)?.map((number) => number.subarray(number[0] === 0 ? 1 : 0));
  if (numbers?.length !== 2 || numbers.some(({ length }) => length > 32)) return undefined;
  return Buffer.concat(numbers.map((number) => Buffer.concat([Buffer.alloc(32 - number.length), number])));
}
