import { createHash, type Hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { badDigest, invalidRequest, notImplemented, S3Error } from './errors.ts';

const POLYNOMIAL = 0xedb88320;

/** The product of two polynomials over GF(2) modulo the CRC-32 polynomial, bits reflected. */
function multiply(left: number, right: number): number {
  let product = 0;
  let shifted = right;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if (left & bit) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}

/** The CRC-32 of a followed by b, from the CRCs of both and the length of b: crc(a) times x^(8 length), plus crc(b). */
export function combineCrc32(a: number, b: number, lengthOfB: number): number {
  let power = 0x80000000;
  let square = 0x00800000;
  for (let rest = lengthOfB; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(square, power);
    square = multiply(square, square);
  }
  return (multiply(power, a) ^ b) >>> 0;
}

/** By doubling, so that the size does not matter. */
export function crc32OfZeros(size: number): number {
  if (size === 0) return 0;
  const half = Math.floor(size / 2);
  const ofHalf = crc32OfZeros(half);
  const doubled = combineCrc32(ofHalf, ofHalf, half);
  return size % 2 === 0 ? doubled : combineCrc32(doubled, crc32(Buffer.alloc(1)), 1);
}

function toBytes(crc: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes;
}

/** As S3 writes it: base64 of the four bytes, big-endian. */
export const encodeCrc32 = (crc: number): string => toBytes(crc).toString('base64');

/** The checksum of checksums that S3 gives a multipart object of the COMPOSITE type. */
export function compositeCrc32(crcs: readonly number[]): string {
  return `${encodeCrc32(crc32(Buffer.concat(crcs.map(toBytes))))}-${crcs.length}`;
}

export const md5Hex = (data: Buffer): string => createHash('md5').update(data).digest('hex');

const VERIFIED = ['crc32', 'sha1', 'sha256'];
const OTHERS = ['crc32c', 'crc64nvme', 'md5', 'sha512', 'xxhash3', 'xxhash64', 'xxhash128'];

export interface DeclaredChecksum {
  readonly algorithm: string;
  readonly value: string;
}

/** The one x-amz-checksum-ALGORITHM header, or trailer, of a request. */
export function declaredChecksum(headers: IncomingHttpHeaders): DeclaredChecksum | undefined {
  const found = [...VERIFIED, ...OTHERS].flatMap((algorithm) => {
    const value = headers[`x-amz-checksum-${algorithm}`];
    return typeof value === 'string' ? [{ algorithm, value }] : [];
  });
  const [first] = found;
  if (found.length > 1) {
    throw invalidRequest(
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  if (first === undefined) return undefined;
  if (OTHERS.includes(first.algorithm)) throw notImplemented(`checksums by ${first.algorithm}`);
  const expectedLength = { crc32: 4, sha1: 20, sha256: 32 }[first.algorithm];
  if (Buffer.from(first.value, 'base64').length !== expectedLength) {
    throw invalidRequest(`Value for x-amz-checksum-${first.algorithm} header is invalid.`);
  }
  return first;
}

/** Digests a body as it streams by; then holds it against all that its request claims. */
export class Digest {
  size = 0;
  crc32 = 0;
  readonly #hashes: Readonly<Record<string, Hash>> = { md5: createHash('md5') };
  readonly #results = new Map<string, Buffer>();

  /** @param algorithms hashes wanted beside MD5 and CRC-32, which every object has */
  constructor(algorithms: readonly string[]) {
    for (const name of algorithms) {
      if (name !== 'md5' && name !== 'crc32') this.#hashes = { ...this.#hashes, [name]: createHash(name) };
    }
  }

  update(chunk: Buffer): void {
    this.size += chunk.length;
    this.crc32 = crc32(chunk, this.crc32);
    for (const hash of Object.values(this.#hashes)) hash.update(chunk);
  }

  result(algorithm: string): Buffer {
    if (algorithm === 'crc32') return toBytes(this.crc32);
    const known = this.#results.get(algorithm);
    if (known !== undefined) return known;
    const hash = this.#hashes[algorithm];
    if (hash === undefined) throw new Error(`no ${algorithm} was computed`);
    const result = hash.digest();
    this.#results.set(algorithm, result);
    return result;
  }

  get md5(): string {
    return this.result('md5').toString('hex');
  }

  verify(
    checksum: DeclaredChecksum | undefined,
    contentMd5: string | undefined,
    sha256Hex: string | undefined,
  ) {
    if (sha256Hex !== undefined && this.result('sha256').toString('hex') !== sha256Hex) {
      throw new S3Error(
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        { ClientComputedContentSHA256: sha256Hex },
      );
    }
    if (contentMd5 !== undefined) {
      if (!/^[A-Za-z0-9+/]{22}==$/.test(contentMd5)) {
        throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.');
      }
      if (this.result('md5').toString('base64') !== contentMd5) throw badDigest('Content-MD5');
    }
    if (checksum !== undefined && this.result(checksum.algorithm).toString('base64') !== checksum.value) {
      throw badDigest(checksum.algorithm.toUpperCase());
    }
  }
}
