import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Cipher } from './ssh2-internals.ts';

/** Packets whose sizes are remembered for each cipher: data comes in few, names in many. */
const MOST_SIZES = 64;

/** Below this Node takes a packet out of a pool of its own, in bytes. */
const LEAST_SPARE_BYTES = 4 * 1024;

/** Holds what most clients take in one packet, 32 KiB, and what is around that. */
const MOST_SPARE_BYTES = 33 * 1024;

/** Random bytes that are there at once. Each is used for one packet. */
const stock = Buffer.alloc(16 * 1024);
let used = stock.length;

/** Where large packets are made, one after the other. */
let spare = Buffer.allocUnsafeSlow(MOST_SPARE_BYTES);
let isSpareInUse = false;

/** What packets with payloads of one length have in common. */
interface Frame {
  /** With what authenticates the packet, if that lies in it. */
  readonly bytes: number;
  /** As it stands in the packet's first field. */
  readonly packetLength: number;
  readonly paddingLength: number;
}

/**
 * From now on the packets that `cipher` sends cost less: they are made in memory that is used again as soon as the kernel has taken what
 * was there, and their random padding (RFC 4253, section 6) comes from a stock. ssh2 allocates 32 KiB for each, and asks the system
 * for some ten random bytes, which takes more than half as long as encrypting them all.
 */
export function makePacketsThriftily(cipher: Cipher, socket: Socket): void {
  const allocPacket = cipher.allocPacket.bind(cipher);
  const encrypt = cipher.encrypt.bind(cipher);
  const frames = new Map<number, Frame>();
  cipher.allocPacket = (payloadLength) => {
    const frame = frames.get(payloadLength);
    if (frame !== undefined) return toPacket(frame, payloadLength);
    const packet = allocPacket(payloadLength);
    if (frames.size < MOST_SIZES) frames.set(payloadLength, toFrame(packet));
    return packet;
  };
  cipher.encrypt = (packet) => {
    encrypt(packet);
    // What the kernel has not taken yet lies where it is.
    if (packet.buffer === spare.buffer && socket.writableLength === 0) isSpareInUse = false;
  };
}

function toFrame(packet: Buffer): Frame {
  return { bytes: packet.length, packetLength: packet.readUInt32BE(0), paddingLength: packet.readUInt8(4) };
}

function toPacket({ bytes, packetLength, paddingLength }: Frame, payloadLength: number): Buffer {
  const packet = allocate(bytes);
  packet.writeUInt32BE(packetLength, 0);
  packet.writeUInt8(paddingLength, 4);
  if (used + paddingLength > stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  stock.copy(packet, 5 + payloadLength, used, used + paddingLength);
  used += paddingLength;
  return packet;
}

function allocate(bytes: number): Buffer {
  if (bytes < LEAST_SPARE_BYTES || bytes > MOST_SPARE_BYTES) return Buffer.allocUnsafe(bytes);
  if (isSpareInUse) spare = Buffer.allocUnsafeSlow(MOST_SPARE_BYTES);
  isSpareInUse = true;
  return spare.subarray(0, bytes);
}
