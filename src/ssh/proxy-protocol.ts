import { SocketAddress } from 'node:net';

/** An address and the port that goes with it. */
export interface Endpoint {
  /** As Node writes the addresses of sockets: `192.0.2.7`, `2001:db8::7`. */
  readonly address: string;
  readonly port: number;
}

/** What a proxy says of a connection that it makes. */
export interface ProxyHeader {
  /** `LOCAL`: it is the proxy's own, for instance a health check. `PROXY`: it is made for somebody else. */
  readonly command: 'LOCAL' | 'PROXY';
  /** Whose connection it is; undefined where the real ends of the connection count. */
  readonly source: Endpoint | undefined;
  /** Of the whole header, in bytes: what follows is the client's. */
  readonly length: number;
}

/** `incomplete`: more bytes are needed to tell. `malformed`: no bytes that follow could make it a header. */
export type HeaderReading = ProxyHeader | 'incomplete' | 'malformed';

/**
 * Longest header that is taken, in bytes. The specification means a header to fit the smallest segment that every host
 * takes (536 bytes). Those of AWS are well below: the addresses, a checksum, padding, and the id of a VPC endpoint. Twice as much
 * leaves room for what other proxies add.
 */
export const MAX_HEADER_BYTES = 1024;

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Where the parts of a header begin. */
const COMMAND = 12;
const FAMILY = 13;
const LENGTH = 14;
const BLOCK = 16;

/** By the high half of the byte: nothing, IPv4, IPv6, UNIX; and how many bytes the two addresses and ports take. */
const BLOCK_BYTES: readonly (number | undefined)[] = [0, 12, 36, 216];

/** By the low half of the byte: unspecified, a stream, datagrams. */
const LAST_TRANSPORT = 2;

const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/**
 * Reads the header that a connection begins with, as far as it has come: PROXY protocol version 2
 * (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt, section 2.2). Anything but TCP over IPv4 or IPv6 is read as
 * unspecified, as receivers may. What stands behind the addresses (TLVs, AWS's own of type 0xEA among them) is passed over.
 */
export function readProxyHeader(bytes: Buffer): HeaderReading {
  const signed = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.compare(SIGNATURE, 0, signed, 0, signed) !== 0) return 'malformed';
  const [versionAndCommand, family] = [bytes[COMMAND], bytes[FAMILY]];
  if (versionAndCommand === undefined) return 'incomplete';
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) return 'malformed';
  const command = versionAndCommand === 0x20 ? 'LOCAL' : 'PROXY';
  if (family === undefined) return 'incomplete';
  const needed = command === 'LOCAL' ? 0 : blockBytes(family);
  if (needed === undefined) return 'malformed';
  if (bytes.length < BLOCK) return 'incomplete';
  const length = BLOCK + bytes.readUInt16BE(LENGTH);
  if (length > MAX_HEADER_BYTES || length < BLOCK + needed) return 'malformed';
  if (bytes.length < length) return 'incomplete';
  return { command, source: command === 'LOCAL' ? undefined : readSource(family, bytes), length };
}

/** Least length of what follows for a family and its transport; undefined where one of them is not assigned. */
function blockBytes(family: number): number | undefined {
  return (family & 0xf) <= LAST_TRANSPORT ? BLOCK_BYTES[family >> 4] : undefined;
}

/** The source's address, the destination's, the source's port, the destination's. */
function readSource(family: number, bytes: Buffer): Endpoint | undefined {
  if (family === TCP_OVER_IPV4) {
    return { address: bytes.subarray(BLOCK, BLOCK + 4).join('.'), port: bytes.readUInt16BE(BLOCK + 8) };
  }
  if (family === TCP_OVER_IPV6) {
    const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(BLOCK + 2 * at).toString(16));
    const { address } = new SocketAddress({ address: groups.join(':'), family: 'ipv6' });
    return { address, port: bytes.readUInt16BE(BLOCK + 32) };
  }
  return undefined;
}
