import type { FileAttributes, FileInfo } from '../../contract/types.ts';
import { AttributeFlag, S_IFDIR, S_IFREG } from './constants.ts';
import type { FieldReader, PacketWriter } from './fields.ts';

/** The ATTRS structure as a client sends it: only what its flags announce (section 5). */
export interface Attributes {
  /** Bytes. */
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** File type and permission bits. */
  readonly permissions?: number;
  /** Seconds since the epoch. */
  readonly atime?: number;
  readonly mtime?: number;
}

/** The permission bits, without those of the file type. */
const PERMISSION_BITS = 0o7777;

/** What a store may keep of them. */
export function toFileAttributes({ permissions, mtime }: Attributes): FileAttributes {
  return {
    ...(mtime === undefined ? {} : { mtime }),
    ...(permissions === undefined ? {} : { mode: permissions & PERMISSION_BITS }),
  };
}

const KNOWN_FLAGS =
  AttributeFlag.SIZE |
  AttributeFlag.UIDGID |
  AttributeFlag.PERMISSIONS |
  AttributeFlag.ACMODTIME |
  AttributeFlag.EXTENDED;

/** More extended pairs than any client sends; each costs at least 8 bytes, so the packet limit bounds them too. */
const MAX_EXTENDED_PAIRS = 64;

export function readAttributes(reader: FieldReader): Attributes {
  const flags = reader.uint32();
  if ((flags & ~KNOWN_FLAGS) !== 0) throw reader.malformed('unknown attribute flags');
  const attributes: { -readonly [K in keyof Attributes]: Attributes[K] } = {};
  if (flags & AttributeFlag.SIZE) attributes.size = reader.uint64();
  if (flags & AttributeFlag.UIDGID) {
    attributes.uid = reader.uint32();
    attributes.gid = reader.uint32();
  }
  if (flags & AttributeFlag.PERMISSIONS) attributes.permissions = reader.uint32();
  if (flags & AttributeFlag.ACMODTIME) {
    attributes.atime = reader.uint32();
    attributes.mtime = reader.uint32();
  }
  if (flags & AttributeFlag.EXTENDED) {
    const pairs = reader.uint32();
    if (pairs > MAX_EXTENDED_PAIRS) throw reader.malformed('too many extended attributes');
    for (let pair = 0; pair < pairs; pair++) {
      reader.bytes();
      reader.bytes();
    }
  }
  return attributes;
}

/**
 * Writes a file's attributes: size, permissions with the file type, and times. Owner and group are left out,
 * because no store behind this server has any (section 5 lets the server omit what it does not know).
 */
export function writeAttributes(writer: PacketWriter, info: FileInfo): PacketWriter {
  const mtime = Math.min(Math.max(Math.floor(info.mtime), 0), 0xffffffff);
  return writer
    .uint32(AttributeFlag.SIZE | AttributeFlag.PERMISSIONS | AttributeFlag.ACMODTIME)
    .uint64(info.size)
    .uint32(toPermissions(info))
    .uint32(mtime)
    .uint32(mtime);
}

/** Type and permission bits in one word, as `st_mode` has them. */
export function toPermissions(info: FileInfo): number {
  return (info.type === 'directory' ? S_IFDIR : S_IFREG) | (info.mode & 0o7777);
}
