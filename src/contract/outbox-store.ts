import type { FileLocation, StoredFile } from './types.ts';

/** A record as a listing shows it. */
export interface RecordEntry {
  readonly name: string;
  /** Identifies this very content. */
  readonly etag: string;
  readonly writtenAt: Date;
}

/**
 * Small records kept where the files are kept, out of the clients' sight: what must outlive this process, and what
 * other tasks find. Names are relative, with a slash after the folder (`outbox/<name>`). Errors are the store's own.
 */
export interface OutboxStore {
  /** Creates or replaces a record; resolves when it is durable. */
  put(name: string, text: string): Promise<void>;
  /** Replaces a record if it still is the one of that `etag`; false when it is another one by now, or gone. */
  replace(name: string, text: string, etag: string): Promise<boolean>;
  get(name: string): Promise<{ readonly text: string; readonly etag: string } | undefined>;
  /** Records of a folder in pages, in the order of their names. */
  list(folder: string): AsyncIterable<readonly RecordEntry[]>;
  /** A missing one is no failure. */
  delete(name: string): Promise<void>;
  /** What stands at a location of the same store now; undefined for nothing. */
  storedFile(location: FileLocation): Promise<StoredFile | undefined>;
}
