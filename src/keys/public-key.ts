import { createHash } from 'node:crypto';
import type { PublicKey } from '../contract/auth.ts';

/** Of an RSA key, in bits: below that its factors are within reach (NIST SP 800-131A), and clients of today refuse it themselves. */
const MIN_RSA_BITS = 2048;

/**
 * What the bytes of a key have after its type, by types that can sign with an algorithm this server accepts (RFC 8709, RFC 5656, RFC 4253;
 * those of security keys: OpenSSH, PROTOCOL.u2f). DSA and certificates are not among them.
 */
const FIELDS: Readonly<Record<string, (...fields: readonly Buffer[]) => boolean>> = {
  'ssh-ed25519': (point, ...rest) => isEd25519(point) && rest.length === 0,
  'ecdsa-sha2-nistp256': (curve, point, ...rest) => isOnCurve('nistp256', curve, point) && rest.length === 0,
  'ecdsa-sha2-nistp384': (curve, point, ...rest) => isOnCurve('nistp384', curve, point) && rest.length === 0,
  'ecdsa-sha2-nistp521': (curve, point, ...rest) => isOnCurve('nistp521', curve, point) && rest.length === 0,
  'ssh-rsa': (exponent, modulus, ...rest) =>
    exponent !== undefined && modulus !== undefined && rest.length === 0,
  'sk-ssh-ed25519@openssh.com': (point, application, ...rest) =>
    isEd25519(point) && application !== undefined && rest.length === 0,
  'sk-ecdsa-sha2-nistp256@openssh.com': (curve, point, application, ...rest) =>
    isOnCurve('nistp256', curve, point) && application !== undefined && rest.length === 0,
};

/** Types of keys that users may have. */
export const KEY_TYPES: readonly string[] = Object.keys(FIELDS);

/** Bytes of a point that is not compressed: a mark and two coordinates (SEC 1, section 2.3.3). */
const POINT_BYTES = { nistp256: 65, nistp384: 97, nistp521: 133 } as const;

/** A key cannot be used; the message says why, and shows nothing of it. */
export class PublicKeyError extends Error {
  override name = 'PublicKeyError';
}

/**
 * Reads a key as a `.pub` file has it, its type and its bytes in base64 (RFC 4253, section 6.6).
 * @throws PublicKeyError when it is of a type that is not accepted, not whole, or an RSA key of less than 2048 bits.
 */
export function decodePublicKey(algorithm: string, base64: string): PublicKey {
  const isComplete = Object.hasOwn(FIELDS, algorithm) ? FIELDS[algorithm] : undefined;
  if (isComplete === undefined) {
    throw new PublicKeyError(`has a type that is not accepted; accepted are: ${KEY_TYPES.join(', ')}`);
  }
  const blob = Buffer.from(base64, 'base64');
  const [type, ...fields] = readStrings(blob) ?? [];
  if (type?.toString() !== algorithm || !isComplete(...fields)) {
    throw new PublicKeyError(`is no whole ${algorithm} key: was it cut when it was copied?`);
  }
  if (algorithm === 'ssh-rsa' && bitsOf(fields[1]) < MIN_RSA_BITS) {
    throw new PublicKeyError(`is an RSA key of less than ${MIN_RSA_BITS} bits; ask for an ed25519 key`);
  }
  return { algorithm, blob };
}

export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  return Buffer.from(a.blob).equals(b.blob);
}

/**
 * What names a key, as `ssh-keygen -l` prints it: `SHA256:` and the hash of its bytes in base64, without padding.
 * @example
 * ```ts
 * fingerprint(credentials.key); // SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s
 * ```
 */
export function fingerprint({ blob }: Pick<PublicKey, 'blob'>): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The strings that bytes are made of, each behind its length (RFC 4251, section 5); undefined when they are not whole. */
export function readStrings(bytes: Uint8Array): Buffer[] | undefined {
  const strings: Buffer[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.length; ) {
    if (at + 4 > buffer.length) return undefined;
    const end = at + 4 + buffer.readUInt32BE(at);
    if (end > buffer.length) return undefined;
    strings.push(buffer.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

function isEd25519(point: Buffer | undefined): boolean {
  return point?.length === 32;
}

function isOnCurve(name: keyof typeof POINT_BYTES, curve: Buffer | undefined, point: Buffer | undefined) {
  return curve?.toString() === name && point?.length === POINT_BYTES[name] && point[0] === 4;
}

/** Of a number as SSH has it: big-endian, with a zero in front where the first bit is set (RFC 4251, mpint). */
function bitsOf(number: Buffer | undefined): number {
  const hex = number?.toString('hex').replace(/^0+/, '') ?? '';
  return hex === '' ? 0 : (hex.length - 1) * 4 + Number.parseInt(hex[0] ?? '0', 16).toString(2).length;
}
