import * as zlib from 'node:zlib';

/** There is none for every platform. */
const addon = await import('@node-rs/crc32').catch(() => undefined);

/** CRC32, going on from `initial`. The addon has the processor's own instructions for it, and takes a fifth of zlib's time. */
export const crc32: (bytes: Buffer, initial?: number) => number = addon?.crc32 ?? zlib.crc32;

/** CRC32 as S3 writes it: four big-endian bytes in base64. */
export function toBase64(crc: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes.toString('base64');
}

/** The CRC32 that S3 has written so. */
export function fromBase64(text: string): number {
  return Buffer.from(text, 'base64').readUInt32BE();
}

/**
 * The CRC32 of two runs of bytes joined, from the CRC32 of each and the length of the second in bytes.
 *
 * A CRC is a polynomial over GF(2). Appending a byte of zeros to its message multiplies it by x^8, modulo the
 * polynomial of the CRC; appending 2^n of them multiplies it by a power of x that is known beforehand.
 */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  let crc = first;
  let rest = secondLength;
  for (let n = 0; rest > 0; n++) {
    if (rest % 2 === 1) crc = multiply(crc, ZERO_BYTES[n] as number);
    rest = Math.floor(rest / 2);
  }
  return (crc ^ second) >>> 0;
}

/** The reflected polynomial of CRC-32/ISO-HDLC, which S3's CRC32 is: the highest bit stands for 1, the next for x. */
const POLYNOMIAL = 0xedb88320;
const X_TO_THE_8TH = 0x0080_0000;

/** What 2^n bytes of zeros multiply a CRC by, for every length that a number can count. */
const ZERO_BYTES: readonly number[] = Array.from({ length: 52 }).reduce<number[]>(
  (powers) => [...powers, multiply(powers.at(-1) as number, powers.at(-1) as number)],
  [X_TO_THE_8TH],
);

/** The product of two polynomials, modulo that of the CRC. */
function multiply(left: number, right: number): number {
  let product = 0;
  let shifted = right;
  for (let bit = 31; bit >= 0; bit--) {
    if (left & (1 << bit)) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}
