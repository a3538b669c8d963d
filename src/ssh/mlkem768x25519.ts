import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

/** Bytes of what each side sends (FIPS 203, table 3; RFC 7748, section 6.1). */
const ENCAPSULATION_KEY_BYTES = 1184;
const X25519_BYTES = 32;

/** Before the bytes of an X25519 key in its SubjectPublicKeyInfo (RFC 8410, section 4). */
const SPKI_HEAD = Buffer.from('302a300506032b656e032100', 'hex');

export interface HybridAnswer {
  /** S_REPLY: what the server sends, the ciphertext before its own X25519 key. */
  readonly reply: Buffer;
  /** K. It goes into the hash as a string, never as an mpint. */
  readonly secret: Buffer;
}

/**
 * The server's part of `mlkem768x25519-sha256` (draft-ietf-sshm-mlkem-hybrid-kex): a secret that is safe as long as one of ML-KEM-768 and
 * X25519 is.
 * @throws Error when `clientInit`, C_INIT, is none: a length or an ML-KEM key that cannot be, or an X25519 key of small order.
 */
export function answerMlkem768x25519(clientInit: Buffer): HybridAnswer {
  if (clientInit.length !== ENCAPSULATION_KEY_BYTES + X25519_BYTES) {
    throw new Error(`C_INIT has ${clientInit.length} bytes`);
  }
  const clientKem = clientInit.subarray(0, ENCAPSULATION_KEY_BYTES);
  const clientX25519 = clientInit.subarray(ENCAPSULATION_KEY_BYTES);
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(clientKem);
  const own = generateKeyPairSync('x25519');
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_HEAD, clientX25519]),
    type: 'spki',
    format: 'der',
  });
  const agreed = diffieHellman({ privateKey: own.privateKey, publicKey });
  return {
    reply: Buffer.concat([cipherText, toRaw(own.publicKey)]),
    secret: createHash('sha256').update(sharedSecret).update(agreed).digest(),
  };
}

function toRaw(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(SPKI_HEAD.length);
}
