import { readAttributes } from './attributes.ts';
import { MAX_HANDLE_BYTES, PacketType } from './constants.ts';
import { readExtension } from './extensions.ts';
import { FieldReader } from './fields.ts';
import type { PartialPacket } from './framing.ts';
import type { Request } from './requests.ts';

/** The longest header of a WRITE before its payload: type, id, handle, offset, payload length (section 6.4). */
export const WRITE_HEADER_BYTES = 1 + 4 + (4 + MAX_HANDLE_BYTES) + 8 + 4;

const INCOMPLETE_PAYLOAD = 'a payload that is not all there';

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
 * Reads one request (sections 6 and 8).
 * @throws MalformedRequest with the request's id when that much could be read.
 */
export function readRequest(packet: readonly Buffer[]): Request {
  const type = packet[0]?.[0];
  if (type === PacketType.WRITE) return readWrite(packet);
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

function readWrite(packet: readonly Buffer[]): Request {
  const first = packet[0] as Buffer;
  const whole = packet.length === 1 || first.length >= WRITE_HEADER_BYTES;
  const [head, rest] = whole ? [first, packet.slice(1)] : [join(packet), []];
  const reader = new FieldReader(head, 1);
  const { id, handle, offset, length, headBytes } = readHead(reader);
  const data = cut([head.subarray(headBytes), ...rest], length);
  if (data === undefined) throw reader.malformed(INCOMPLETE_PAYLOAD);
  return { kind: 'write', id, handle, offset, data, length };
}

/**
 * The head of a WRITE of which the rest has not arrived; undefined for another request, for one whose head is not
 * all there, and for one so short that its rest is not worth the trouble.
 * @throws MalformedRequest as `readRequest` does for the whole packet.
 */
export function readWriteHead({ length: packetBytes, start }: PartialPacket): WriteHead | undefined {
  if (start[0] !== PacketType.WRITE || packetBytes <= WRITE_HEADER_BYTES || start.length < 9)
    return undefined;
  const handleBytes = start.readUInt32BE(5);
  if (handleBytes <= MAX_HANDLE_BYTES && start.length < 9 + handleBytes + 12) return undefined;
  const reader = new FieldReader(start, 1);
  const head = readHead(reader);
  if (head.length > packetBytes - head.headBytes) throw reader.malformed(INCOMPLETE_PAYLOAD);
  return head;
}

function readHead(reader: FieldReader): WriteHead {
  const id = reader.uint32();
  reader.id = id;
  const handle = reader.handle();
  const offset = reader.uint64();
  const length = reader.uint32();
  return { id, handle, offset, length, headBytes: reader.position };
}

/**
 * The first `length` bytes of some slices; undefined when there are fewer. More are no fault: clients built on
 * pkg/sftp before 1.13.6 send their whole buffer behind a short payload, and OpenSSH's server ignores the rest too.
 */
function cut(slices: readonly Buffer[], length: number): Buffer[] | undefined {
  const taken: Buffer[] = [];
  let missing = length;
  for (const slice of slices) {
    taken.push(slice.length > missing ? slice.subarray(0, missing) : slice);
    missing -= taken.at(-1)?.length ?? 0;
    if (missing === 0) return taken;
  }
  return undefined;
}

function join(packet: readonly Buffer[]): Buffer {
  return packet.length === 1 ? (packet[0] as Buffer) : Buffer.concat(packet);
}
