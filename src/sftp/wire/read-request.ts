import { readAttributes } from './attributes.ts';
import { MAX_HANDLE_BYTES, PacketType } from './constants.ts';
import { readExtension } from './extensions.ts';
import { FieldReader } from './fields.ts';
import type { PartialPacket } from './framing.ts';
import type { Request } from './requests.ts';

/** The longest header of a WRITE before its payload: type, id, handle, offset, payload length (section 6.4). */
export const WRITE_HEADER_BYTES = 1 + 4 + (4 + MAX_HANDLE_BYTES) + 8 + 4;

/** What stands before the payload of a WRITE. */
export interface WriteHead {
  readonly id: number;
  readonly handle: string;
  readonly offset: number;
  /** Bytes of the payload. */
  readonly length: number;
  /** Bytes of the packet before the payload. */
  readonly headBytes: number;
}

/** The version a client's INIT asks for (section 4), or undefined when the packet is something else. */
export function readInit(packet: readonly Buffer[]): number | undefined {
  const bytes = join(packet);
  if (bytes[0] !== PacketType.INIT || bytes.length < 5) return undefined;
  return bytes.readUInt32BE(1);
}

/**
 * Reads one request (sections 6 and 8) other than a WRITE, of which {@link readWriteHead} reads the head.
 * @throws MalformedRequest with the request's id when that much could be read.
 */
export function readRequest(packet: readonly Buffer[]): Request {
  const type = packet[0]?.[0];
  const reader = new FieldReader(join(packet), 1);
  const id = reader.uint32();
  reader.id = id;
  switch (type) {
    case PacketType.OPEN:
      return {
        kind: 'open',
        id,
        path: reader.text(),
        flags: reader.uint32(),
        attributes: readAttributes(reader),
      };
    case PacketType.CLOSE:
      return { kind: 'close', id, handle: reader.handle() };
    case PacketType.READ:
      return { kind: 'read', id, handle: reader.handle(), offset: reader.uint64(), length: reader.uint32() };
    case PacketType.LSTAT:
      return { kind: 'lstat', id, path: reader.text() };
    case PacketType.FSTAT:
      return { kind: 'fstat', id, handle: reader.handle() };
    case PacketType.SETSTAT:
      return { kind: 'setstat', id, path: reader.text(), attributes: readAttributes(reader) };
    case PacketType.FSETSTAT:
      return { kind: 'fsetstat', id, handle: reader.handle(), attributes: readAttributes(reader) };
    case PacketType.OPENDIR:
      return { kind: 'opendir', id, path: reader.text() };
    case PacketType.READDIR:
      return { kind: 'readdir', id, handle: reader.handle() };
    case PacketType.REMOVE:
      return { kind: 'remove', id, path: reader.text() };
    case PacketType.MKDIR:
      return { kind: 'mkdir', id, path: reader.text(), attributes: readAttributes(reader) };
    case PacketType.RMDIR:
      return { kind: 'rmdir', id, path: reader.text() };
    case PacketType.REALPATH:
      return { kind: 'realpath', id, path: reader.text() };
    case PacketType.STAT:
      return { kind: 'stat', id, path: reader.text() };
    case PacketType.RENAME:
      return { kind: 'rename', id, from: reader.text(), to: reader.text() };
    case PacketType.READLINK:
      return { kind: 'readlink', id, path: reader.text() };
    case PacketType.SYMLINK:
      return { kind: 'symlink', id, path: reader.text(), targetPath: reader.text() };
    case PacketType.EXTENDED:
      return readExtension(reader.text(), id, reader);
    default:
      return { kind: 'unsupported', id, what: `requests of type ${type}` };
  }
}

/**
 * The head of a WRITE; undefined for another request, and as long as the head is not all there. Bytes behind the payload are no
 * fault: clients built on pkg/sftp before 1.13.6 send their whole buffer behind a short one, and OpenSSH's server ignores the rest too.
 * @throws MalformedRequest as `readRequest` does.
 */
export function readWriteHead({ length: packetBytes, start }: PartialPacket): WriteHead | undefined {
  if (start[0] !== PacketType.WRITE) return undefined;
  if (start.length < Math.min(packetBytes, neededFor(start))) return undefined;
  const reader = new FieldReader(start, 1);
  const head = readHead(reader);
  if (head.length > packetBytes - head.headBytes) throw reader.malformed('a payload that is not all there');
  return head;
}

/** Bytes by which the head of a WRITE can be read, or refused. */
function neededFor(start: Buffer): number {
  if (start.length < 9) return 9;
  const handleBytes = start.readUInt32BE(5);
  return handleBytes > MAX_HANDLE_BYTES ? 9 : 9 + handleBytes + 12;
}

function readHead(reader: FieldReader): WriteHead {
  const id = reader.uint32();
  reader.id = id;
  const handle = reader.handle();
  const offset = reader.uint64();
  const length = reader.uint32();
  return { id, handle, offset, length, headBytes: reader.position };
}

function join(packet: readonly Buffer[]): Buffer {
  return packet.length === 1 ? (packet[0] as Buffer) : Buffer.concat(packet);
}
