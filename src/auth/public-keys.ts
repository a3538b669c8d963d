import type { PublicKey } from '../contract/auth.ts';

/** Key types that can sign with an algorithm this server accepts. DSA and certificates are not among them. */
const KEY_TYPES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];

/**
 * Reads a line as it stands in a `.pub` file or in `authorized_keys` without options: type, base64, comment
 * (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Undefined when it is not one, or of a type that is not accepted.
 */
export function parsePublicKey(line: string): PublicKey | undefined {
  const [algorithm, base64] = line.trim().split(/\s+/);
  if (algorithm === undefined || base64 === undefined || !KEY_TYPES.includes(algorithm)) return undefined;
  const blob = Buffer.from(base64, 'base64');
  const name = Buffer.from(algorithm);
  const header = Buffer.alloc(4 + name.length);
  header.writeUInt32BE(name.length);
  header.set(name, 4);
  const matches = blob.length > header.length && blob.subarray(0, header.length).equals(header);
  return matches ? { algorithm, blob } : undefined;
}

export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  return Buffer.from(a.blob).equals(b.blob);
}
