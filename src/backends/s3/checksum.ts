import { crc32 } from 'node:zlib';

export { crc32 };

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

type Matrix = readonly number[];

/**
 * The CRC32 of two runs of bytes joined, from the CRC32 of each and the length of the second in bytes.
 *
 * Appending zeros to a message multiplies its CRC, seen as a polynomial over GF(2), by a power of x modulo the
 * CRC's polynomial; that multiplication is a 32 by 32 bit matrix, and squaring the matrix doubles the zeros.
 */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  let crc = first >>> 0;
  let operator = EIGHT_ZERO_BITS;
  for (let remaining = secondLength; remaining > 0; remaining = Math.floor(remaining / 2)) {
    if (remaining % 2 === 1) crc = times(operator, crc);
    operator = operator.map((column) => times(operator, column));
  }
  return (crc ^ second) >>> 0;
}

/** The reflected polynomial of CRC-32/ISO-HDLC, which S3's CRC32 is. */
const POLYNOMIAL = 0xedb88320;

/** What one zero bit does to each bit of a CRC register. */
const ONE_ZERO_BIT: Matrix = Array.from({ length: 32 }, (_, bit) =>
  bit === 0 ? POLYNOMIAL : 1 << (bit - 1),
);

const EIGHT_ZERO_BITS: Matrix = [1, 2, 3].reduce<Matrix>(
  (matrix) => matrix.map((column) => times(matrix, column)),
  ONE_ZERO_BIT,
);

function times(matrix: Matrix, vector: number): number {
  let product = 0;
  for (let bit = 0; bit < 32; bit++) if (vector & (1 << bit)) product ^= matrix[bit] as number;
  return product >>> 0;
}
