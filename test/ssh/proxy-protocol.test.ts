import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_HEADER_BYTES, readProxyHeader } from '../../src/ssh/proxy-protocol.ts';
import { hex } from '../support/sftp-packets.ts';

const OVER_IPV4 = hex(`
  0d0a0d0a 000d0a51 5549540a   # signature
  21 11 000c                   # version 2, PROXY; IPv4, stream; 12 bytes follow
  c0000207 c6336401            # 192.0.2.7 to 198.51.100.1
  d431 0016                    # 54321 to 22
`);
const OVER_IPV6 = hex(`
  0d0a0d0a 000d0a51 5549540a
  21 21 0024
  20010db8 00000000 00000000 00000007 20010db8 00000000 00000000 00000001
  d431 0016
`);
const WITH_TLVS = hex(`
  0d0a0d0a 000d0a51 5549540a
  21 11 0030
  c0000207 c6336401 d431 0016
  03 0004 00000000                                                    # CRC32C
  ea 0017 01 76706365 2d303864 32626631 35666163 35303031 6339        # AWS: the VPC endpoint
  04 0000                                                             # NOOP
`);
const LOCAL = hex('0d0a0d0a 000d0a51 5549540a 20 00 0000');

const unix = Buffer.concat([hex('0d0a0d0a 000d0a51 5549540a 21 31 00d8'), Buffer.alloc(216, '/run/x')]);

/** A header with these in their places, and as many bytes behind it as it says. */
function header(versionAndCommand: number, family: number, length: number): Buffer {
  const bytes = Buffer.concat([OVER_IPV4.subarray(0, 12), Buffer.alloc(4 + length, 1)]);
  bytes.set([versionAndCommand, family, length >> 8, length & 0xff], 12);
  return bytes;
}

describe('a header', () => {
  test.each([
    ['over IPv4', OVER_IPV4, { address: '192.0.2.7', port: 54_321 }, 28],
    ['over IPv6', OVER_IPV6, { address: '2001:db8::7', port: 54_321 }, 52],
    ['with TLVs of AWS', WITH_TLVS, { address: '192.0.2.7', port: 54_321 }, 64],
  ])('%s names the client, and how long it is', (_, bytes, source, length) => {
    expect(readProxyHeader(bytes)).toEqual({ command: 'PROXY', source, length });
  });

  test('of an IPv4 client over IPv6 has its address as sockets have it', () => {
    const bytes = Buffer.from(OVER_IPV6);
    bytes.set(hex('00000000 00000000 0000ffff c0000207'), 16);
    expect(readProxyHeader(bytes)).toMatchObject({ source: { address: '::ffff:192.0.2.7' } });
  });

  test.each([
    ['UNSPEC', header(0x21, 0x00, 0)],
    ['UNSPEC with bytes behind it', header(0x21, 0x00, 20)],
    ['a UNIX stream', unix],
    ['UNIX datagrams', header(0x21, 0x32, 216)],
    ['UDP over IPv4', header(0x21, 0x12, 12)],
    ['UDP over IPv6', header(0x21, 0x22, 36)],
    ['IPv4 without a transport', header(0x21, 0x10, 12)],
  ])('of %s names nobody: the real ends count', (_, bytes) => {
    expect(readProxyHeader(bytes)).toEqual({ command: 'PROXY', source: undefined, length: bytes.length });
  });

  test.each([
    ['as it should be', LOCAL],
    ['with a family and addresses, which are ignored', header(0x20, 0x11, 12)],
    ['with a family that there is not', header(0x20, 0xff, 3)],
  ])('LOCAL, %s, is of the proxy itself', (_, bytes) => {
    expect(readProxyHeader(bytes)).toEqual({ command: 'LOCAL', source: undefined, length: bytes.length });
  });

  test.each([
    ['over IPv4', OVER_IPV4],
    ['over IPv6', OVER_IPV6],
    ['with TLVs', WITH_TLVS],
    ['of a UNIX stream', unix],
    ['LOCAL', LOCAL],
  ])('%s is incomplete wherever it is cut', (_, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(readProxyHeader(bytes.subarray(0, length))).toBe('incomplete');
    }
  });

  test('does not reach into what follows it', () => {
    const followed = Buffer.concat([OVER_IPV4, Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')]);
    expect(readProxyHeader(followed)).toEqual(readProxyHeader(OVER_IPV4));
  });
});

describe('no header', () => {
  test.each([
    ['the beginning of SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['its first byte alone', Buffer.from('S')],
    ['version 1', Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 54321 22\r\n')],
    ['an HTTP request behind an empty line', Buffer.from('\r\nGET / HTTP/1.1\r\n')],
    ['another version', header(0x11, 0x11, 12)],
    ['version 0', header(0x01, 0x11, 12)],
    ['an unknown command', header(0x22, 0x11, 12)],
    ['an unknown family', header(0x21, 0x41, 216)],
    ['an unknown transport', header(0x21, 0x13, 12)],
    ['too little room for IPv4', header(0x21, 0x11, 11)],
    ['too little room for IPv6', header(0x21, 0x21, 35)],
    ['too little room for UNIX', header(0x21, 0x31, 215)],
    ['too little room for UDP over IPv4', header(0x21, 0x12, 11)],
    ['more than the longest', header(0x21, 0x11, MAX_HEADER_BYTES - 15)],
    ['more than the longest, LOCAL', header(0x20, 0x00, 0xffff)],
  ])('is %s', (_, bytes) => {
    expect(readProxyHeader(bytes)).toBe('malformed');
  });

  test('is a signature with any one bit wrong, as soon as it has come', () => {
    for (let bit = 0; bit < 12 * 8; bit++) {
      const bytes = Buffer.from(OVER_IPV4);
      const at = bit >> 3;
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
      expect(readProxyHeader(bytes.subarray(0, at + 1))).toBe('malformed');
      expect(readProxyHeader(bytes)).toBe('malformed');
    }
  });

  test('is told by its length before the rest comes', () => {
    expect(readProxyHeader(header(0x21, 0x11, 11).subarray(0, 16))).toBe('malformed');
    expect(readProxyHeader(header(0x21, 0x11, 0xffff).subarray(0, 16))).toBe('malformed');
  });

  test('is anything over the longest; the longest is one', () => {
    const longest = header(0x21, 0x11, MAX_HEADER_BYTES - 16);
    expect(readProxyHeader(longest)).toMatchObject({ length: MAX_HEADER_BYTES });
  });
});

describe('whatever comes', () => {
  const byte = fc.nat({ max: 255 });
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 1200 }).map((bytes) => Buffer.from(bytes)),
    // Nearly a header: everything behind the signature is as it happens to be.
    fc
      .tuple(byte, byte, fc.nat({ max: 1100 }), fc.uint8Array({ maxLength: 1100 }))
      .map(([command, family, length, rest]) =>
        Buffer.concat([header(command, family, length).subarray(0, 16), rest]),
      ),
    fc
      .tuple(fc.constantFrom(0x20, 0x21), fc.constantFrom(0, 0x11, 0x12, 0x21, 0x31), fc.nat({ max: 300 }))
      .chain(([command, family, length]) =>
        fc
          .uint8Array({ maxLength: 400 })
          .map((rest) => Buffer.concat([header(command, family, length).subarray(0, 16), rest])),
      ),
  );

  test('is a header within bounds, of a client with an address, or is none', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const reading = readProxyHeader(bytes);
        if (typeof reading === 'string') return;
        expect(reading.length).toBeGreaterThanOrEqual(16);
        expect(reading.length).toBeLessThanOrEqual(Math.min(bytes.length, MAX_HEADER_BYTES));
        const { command, source } = reading;
        if (command === 'LOCAL') expect(source).toBeUndefined();
        if (source === undefined) return;
        expect(isIP(source.address)).not.toBe(0);
        expect(source.port).toBeLessThanOrEqual(65_535);
      }),
      { numRuns: 2000 },
    );
  });

  test('is decided once: a further byte changes neither a header nor what is none', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        let decided: unknown;
        for (let length = 0; length <= Math.min(bytes.length, MAX_HEADER_BYTES + 1); length++) {
          const reading = readProxyHeader(bytes.subarray(0, length));
          if (decided !== undefined) expect(reading).toEqual(decided);
          else if (reading !== 'incomplete') decided = reading;
        }
        if (bytes.length >= MAX_HEADER_BYTES) expect(decided).toBeDefined();
      }),
      { numRuns: 100 },
    );
  });
});
