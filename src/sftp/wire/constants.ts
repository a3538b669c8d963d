/**
 * Numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02). The section that defines each group stands above it.
 */

/** The only version spoken; clients that ask for more settle for it (section 4). */
export const SFTP_VERSION = 3;

/** Packet types (section 3). */
export const PacketType = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

/** Flags of an ATTRS structure: which fields follow (section 5). */
export const AttributeFlag = {
  SIZE: 0x00000001,
  UIDGID: 0x00000002,
  PERMISSIONS: 0x00000004,
  ACMODTIME: 0x00000008,
  EXTENDED: 0x80000000,
} as const;

/** pflags of OPEN (section 6.3). */
export const OpenFlag = {
  READ: 0x00000001,
  WRITE: 0x00000002,
  APPEND: 0x00000004,
  CREAT: 0x00000008,
  TRUNC: 0x00000010,
  EXCL: 0x00000020,
} as const;

/** Status codes (section 7). */
export const StatusCode = {
  OK: 0,
  EOF: 1,
  NO_SUCH_FILE: 2,
  PERMISSION_DENIED: 3,
  FAILURE: 4,
  BAD_MESSAGE: 5,
  NO_CONNECTION: 6,
  CONNECTION_LOST: 7,
  OP_UNSUPPORTED: 8,
} as const;

export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

/** File type bits of the permissions field (POSIX <sys/stat.h>, which section 5 refers to). */
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;

/** Handles are opaque strings of at most this many bytes (section 6.2). */
export const MAX_HANDLE_BYTES = 256;
