import type { FileAttributes, FileNotes } from '../../contract/types.ts';

/**
 * Where the attributes of a file are kept: in the user metadata of its object, by the names and in the forms that
 * s3fs and rclone use. S3 takes them only when an object is made.
 */
const MTIME = 'mtime';
const MODE = 'mode';

/** The file type bits of a regular file (POSIX.1-2017, <sys/stat.h>), which s3fs wants in the mode. */
const REGULAR_FILE = 0o100000;
const PERMISSION_BITS = 0o7777;

type Metadata = Readonly<Record<string, string>>;

export function toMetadata({ mtime, mode }: FileAttributes): Record<string, string> {
  return {
    ...(mtime === undefined ? {} : { [MTIME]: String(mtime) }),
    ...(mode === undefined ? {} : { [MODE]: String(REGULAR_FILE | (mode & PERMISSION_BITS)) }),
  };
}

/** What there is of them; what somebody else has written there in another form is passed over. */
export function fromMetadata(metadata: Metadata | undefined): FileAttributes {
  const mtime = toNumber(metadata?.[MTIME]);
  const mode = toNumber(metadata?.[MODE]);
  return {
    ...(mtime === undefined ? {} : { mtime }),
    ...(mode === undefined ? {} : { mode: mode & PERMISSION_BITS }),
  };
}

/** Notes stand there too, behind a prefix of their own. */
const NOTE_PREFIX = 'sluice-';

export function notesToMetadata(notes: FileNotes): Record<string, string> {
  return Object.fromEntries(Object.entries(notes).map(([name, text]) => [NOTE_PREFIX + name, text]));
}

export function notesFromMetadata(metadata: Metadata | undefined): FileNotes {
  const notes = Object.entries(metadata ?? {}).filter(isNote);
  return Object.fromEntries(notes.map(([name, text]) => [name.slice(NOTE_PREFIX.length), text]));
}

export function withoutNotes(metadata: Metadata | undefined): Metadata {
  return Object.fromEntries(Object.entries(metadata ?? {}).filter((entry) => !isNote(entry)));
}

function isNote([name]: readonly [name: string, text: string]): boolean {
  return name.startsWith(NOTE_PREFIX);
}

function toNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}
