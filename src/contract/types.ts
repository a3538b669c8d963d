/** What can stand at a path. Stores that know symbolic links resolve them before answering. */
export type FileType = 'file' | 'directory';

/** Attributes of one file or directory. */
export interface FileInfo {
  readonly type: FileType;
  /** Bytes; 0 for directories. */
  readonly size: number;
  /** Last modification, in whole or fractional seconds since the epoch. */
  readonly mtime: number;
  /** Permission bits only (`0o644`); the file type is in {@link type}. */
  readonly mode: number;
  /** Identifies this very content (an S3 ETag, say), where the store has such a thing. */
  readonly etag?: string;
}

/** Attributes that a client gives a file. */
export interface FileAttributes {
  /** Seconds since the epoch. */
  readonly mtime?: number;
  /** Permission bits only. */
  readonly mode?: number;
}

/** One name in a directory. */
export interface DirectoryEntry extends FileInfo {
  /** A single name, without any slash. Never `.` or `..`: the protocol room adds these. */
  readonly name: string;
}

/** Where a store keeps a file. */
export interface FileLocation {
  readonly bucket: string;
  readonly key: string;
}

/** What the store says of a file that it has whole. */
export interface StoredFile {
  /** Bytes. */
  readonly size: number;
  readonly etag?: string;
  readonly versionId?: string;
  /** Where the store keeps it, for whoever processes the file: an S3 bucket and key. */
  readonly location?: FileLocation;
  /** Of all bytes, as they came; a store that can has verified it. */
  readonly checksum?: Checksum;
  /** What was noted with it, where the store keeps notes. */
  readonly notes?: FileNotes;
}

/** Small texts that a store keeps with a file for as long as it has this content, through renames. Names in lower case. */
export type FileNotes = Readonly<Record<string, string>>;

/** What is noted with each file that is uploaded, for whoever delivers it later. */
export const Note = { UPLOAD_ID: 'upload-id', STARTED_AT: 'started-at', TRACEPARENT: 'traceparent' } as const;

/** A checksum of a whole file. */
export interface Checksum {
  readonly algorithm: 'CRC32';
  /** Big-endian CRC32 in base64, as S3 writes it. */
  readonly value: string;
  readonly type: 'FULL_OBJECT';
}

/** Attributes of a directory: what a backend returns for one that has no attributes of its own. */
export function directoryInfo(mtime = 0): FileInfo {
  return { type: 'directory', size: 0, mtime, mode: 0o755 };
}

/** Attributes of a regular file. `size` in bytes, `mtime` in seconds since the epoch. */
export function fileInfo(size: number, mtime = 0, etag?: string, mode = 0o644): FileInfo {
  return { type: 'file', size, mtime, mode, ...(etag === undefined ? {} : { etag }) };
}
