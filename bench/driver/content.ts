import { type Cipher, createCipheriv, createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ZEROS = Buffer.alloc(1024 * 1024);

/**
 * Bytes that no two files have in common and that do not repeat within one: AES in counter mode under a key made of
 * the name. Nothing is kept of what was handed out but its CRC32.
 */
export class GeneratedContent {
  readonly #cipher: Cipher;
  #crc32 = 0;

  constructor(name: string) {
    const key = createHash('sha256').update(name).digest().subarray(0, 16);
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  }

  /** Fills `target` with what comes next. */
  fill(target: Buffer): void {
    for (let at = 0; at < target.length; at += ZEROS.length) {
      target.set(this.#cipher.update(ZEROS.subarray(0, target.length - at)), at);
    }
    this.#crc32 = crc32(target, this.#crc32);
  }

  /** Of everything so far. */
  get crc32(): number {
    return this.#crc32;
  }
}
