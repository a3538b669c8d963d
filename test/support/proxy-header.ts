import { hex } from './sftp-packets.ts';

/** The signature of version 2 of the PROXY protocol, in hexadecimal. */
export const SIGNATURE = '0d0a0d0a 000d0a51 5549540a';

/** A header of a command and family as hexadecimal, with these bytes behind it as long as they are. */
export function proxyHeader(versionCommandFamily: string, block: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(block.length);
  return Buffer.concat([hex(`${SIGNATURE} ${versionCommandFamily}`), length, block]);
}

/** Of a connection that the load balancer makes for itself. */
export const LOCAL_HEADER = proxyHeader('20 00', Buffer.alloc(0));

/** What a Network Load Balancer puts behind the addresses: a checksum, which is not looked at, and the id of a VPC endpoint. */
export const AWS_TLVS = Buffer.concat([
  hex('03 0004 00000000 ea 0017 01'),
  Buffer.from('vpce-08d2bf15fac5001c9'),
]);

/** Of a connection from `192.0.2.7` or `2001:db8::7`, from `port`, with what AWS adds. */
export function proxyHeaderFrom(address: '192.0.2.7' | '2001:db8::7', port: number): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(port);
  ports.writeUInt16BE(22, 2);
  const [family, addresses] =
    address === '192.0.2.7'
      ? (['11', 'c0000207 c6336401'] as const)
      : (['21', '20010db8 00000000 00000000 00000007 20010db8 00000000 00000000 00000001'] as const);
  return proxyHeader(`21 ${family}`, Buffer.concat([hex(addresses), ports, AWS_TLVS]));
}
