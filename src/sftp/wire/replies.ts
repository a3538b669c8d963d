import type { FileInfo } from '../../contract/types.ts';
import { writeAttributes } from './attributes.ts';
import { PacketType, SFTP_VERSION, type StatusCode } from './constants.ts';
import { ADVERTISED_EXTENSIONS } from './extensions.ts';
import { PacketWriter } from './fields.ts';

/** One entry of a NAME reply (section 7). */
export interface NameEntry {
  readonly filename: string;
  /** The line that `ls -l` of a client prints as it is. */
  readonly longname: string;
  readonly info: FileInfo;
}

/** VERSION with the extension pairs (section 4). */
export function versionReply(): Buffer {
  const writer = new PacketWriter(PacketType.VERSION).uint32(SFTP_VERSION);
  for (const [name, version] of ADVERTISED_EXTENSIONS) writer.text(name).text(version);
  return writer.packet();
}

/** STATUS with a message in English (section 7). */
export function statusReply(id: number, code: StatusCode, message: string): Buffer {
  return new PacketWriter(PacketType.STATUS).uint32(id).uint32(code).text(message).text('en').packet();
}

export function handleReply(id: number, handle: string): Buffer {
  return new PacketWriter(PacketType.HANDLE).uint32(id).text(Buffer.from(handle, 'latin1')).packet();
}

/** Of one packet of the channel, as most clients have them (RFC 4254, section 5.1), in bytes. */
const FIRST_PACKET_BYTES = 32 * 1024;

const DATA_HEAD_BYTES = 13;

/** A large DATA whose bytes lie where they were fetched to: what is kept for later has to be joined, or the whole fetch is kept. */
export class LargeReply {
  /** In the order in which they are sent; the first fills a packet of the channel. */
  readonly pieces: readonly [Buffer, Buffer];
  readonly length: number;

  constructor(...pieces: readonly [Buffer, Buffer]) {
    this.pieces = pieces;
    this.length = pieces[0].length + pieces[1].length;
  }

  join(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

export type Reply = Buffer | LargeReply;

/** DATA (section 7). */
export function dataReply(id: number, bytes: Uint8Array): Reply {
  const first = Math.min(DATA_HEAD_BYTES + bytes.length, FIRST_PACKET_BYTES);
  const packet = Buffer.allocUnsafe(first);
  packet.writeUInt32BE(9 + bytes.length, 0);
  packet.writeUInt8(PacketType.DATA, 4);
  packet.writeUInt32BE(id, 5);
  packet.writeUInt32BE(bytes.length, 9);
  const copied = first - DATA_HEAD_BYTES;
  if (copied === bytes.length) {
    packet.set(bytes, DATA_HEAD_BYTES);
    return packet;
  }
  packet.set(bytes.subarray(0, copied), DATA_HEAD_BYTES);
  return new LargeReply(packet, Buffer.from(bytes.buffer, bytes.byteOffset + copied, bytes.length - copied));
}

export function nameReply(id: number, entries: readonly NameEntry[]): Buffer {
  const writer = new PacketWriter(PacketType.NAME).uint32(id).uint32(entries.length);
  for (const { filename, longname, info } of entries) {
    writeAttributes(writer.text(filename).text(longname), info);
  }
  return writer.packet();
}

/** A NAME reply of one path without attributes of interest: REALPATH and its relatives (section 6.11). */
export function pathReply(id: number, path: string): Buffer {
  return new PacketWriter(PacketType.NAME).uint32(id).uint32(1).text(path).text(path).uint32(0).packet();
}

export function attributesReply(id: number, info: FileInfo): Buffer {
  return writeAttributes(new PacketWriter(PacketType.ATTRS).uint32(id), info).packet();
}

export interface Limits {
  readonly maxPacketBytes: number;
  readonly maxReadBytes: number;
  readonly maxWriteBytes: number;
  readonly maxOpenHandles: number;
}

/** limits@openssh.com (OpenSSH PROTOCOL, section 4.8): four uint64. */
export function limitsReply(id: number, limits: Limits): Buffer {
  return new PacketWriter(PacketType.EXTENDED_REPLY)
    .uint32(id)
    .uint64(limits.maxPacketBytes)
    .uint64(limits.maxReadBytes)
    .uint64(limits.maxWriteBytes)
    .uint64(limits.maxOpenHandles)
    .packet();
}

/** statvfs@openssh.com (OpenSSH PROTOCOL, section 4.4): eleven uint64, named as in POSIX `struct statvfs`. */
export interface FileSystemStatistics {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly files: number;
  readonly freeFiles: number;
  readonly maxNameBytes: number;
}

export function statvfsReply(id: number, statistics: FileSystemStatistics): Buffer {
  const { blockBytes, blocks, freeBlocks, files, freeFiles, maxNameBytes } = statistics;
  const writer = new PacketWriter(PacketType.EXTENDED_REPLY).uint32(id);
  const fields = [blockBytes, blockBytes, blocks, freeBlocks, freeBlocks, files, freeFiles, freeFiles];
  const [fsid, flags] = [0, 0];
  for (const field of [...fields, fsid, flags, maxNameBytes]) writer.uint64(field);
  return writer.packet();
}
