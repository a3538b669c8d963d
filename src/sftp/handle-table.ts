import type { Upload } from '../contract/backend.ts';
import { FsError } from '../contract/errors.ts';
import type { FileInfo } from '../contract/types.ts';
import type { DirectoryReader } from './directory-reader.ts';
import type { FileReader } from './file-reader.ts';

export interface UploadHandle {
  readonly kind: 'upload';
  readonly path: string;
  readonly upload: Upload;
  /** Seconds since the epoch. */
  readonly startedAt: number;
  /** Whether it was opened for reading too. */
  readonly mayRead?: boolean;
  /** The first refused write: every later request on the handle fails with it, CLOSE included. */
  failure?: unknown;
}

/** Marks an upload as spoilt by `error`: nothing but its abort is left. Throws the error. */
export function spoil(handle: UploadHandle, error: unknown): never {
  markSpoilt(handle, error);
  throw error;
}

/** The same for a request whose reply is not due yet. The first error stays; a backend may reject without one. */
export function markSpoilt(handle: UploadHandle, error: unknown): void {
  handle.failure ??= error ?? new FsError('EIO', 'the upload was refused without a reason');
}

/** What an open handle stands for. */
export type Handle =
  | UploadHandle
  | { readonly kind: 'file'; readonly path: string; readonly info: FileInfo; readonly reader: FileReader }
  | { readonly kind: 'directory'; readonly path: string; readonly entries: DirectoryReader };

type HandleOf<K extends Handle['kind']> = Extract<Handle, { kind: K }>;

/** The open handles of one session. Ids are never used twice, so a stale one cannot reach another's file. */
export class HandleTable {
  readonly #handles = new Map<string, Handle>();
  readonly #limit: number;
  #nextId = 0;
  #closed = false;
  #refusesMore = false;
  #hasRefused = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#handles.size;
  }

  get uploads(): number {
    let uploads = 0;
    for (const handle of this.#handles.values()) if (handle.kind === 'upload') uploads += 1;
    return uploads;
  }

  /** Whether anything was to be opened since {@link refuseMore}. */
  get hasRefused(): boolean {
    return this.#hasRefused;
  }

  /** Nothing is opened any more; what is open stays so. */
  refuseMore(): void {
    this.#refusesMore = true;
  }

  /** To be asked before anything is opened. @throws FsError `EMFILE`, or `EAGAIN` after {@link refuseMore}. */
  assertRoom(): void {
    if (this.#refusesMore) {
      this.#hasRefused = true;
      throw new FsError('EAGAIN', 'the server is stopping');
    }
    if (this.#handles.size >= this.#limit) throw new FsError('EMFILE', 'too many open handles');
  }

  /** @throws FsError `EBADF` when the session has ended meanwhile: what was opened is ended then. */
  add(handle: Handle): string {
    if (this.#closed) {
      // Nobody is left to hear that this fails; the layers have it in the log and the trace.
      void end(handle).catch(() => undefined);
      throw new FsError('EBADF', 'the session has ended');
    }
    const id = String(this.#nextId++);
    this.#handles.set(id, handle);
    return id;
  }

  /** @throws FsError `EBADF` when there is no such handle, or it is of none of the kinds asked for. */
  get<K extends Handle['kind']>(id: string, ...kinds: readonly K[]): HandleOf<K> {
    const handle = this.#handles.get(id);
    if (handle === undefined || !(kinds as readonly string[]).includes(handle.kind)) {
      throw new FsError('EBADF', 'no such handle');
    }
    return handle as HandleOf<K>;
  }

  /** Forgets a handle and returns it; closing what it stands for is the caller's. @throws FsError `EBADF`. */
  remove(id: string): Handle {
    const handle = this.#handles.get(id);
    if (handle === undefined) throw new FsError('EBADF', 'no such handle');
    this.#handles.delete(id);
    return handle;
  }

  /** The upload of this session to a path, if one is open: its client finds the file that it is writing. */
  uploadAt(path: string): UploadHandle | undefined {
    for (const handle of this.#handles.values()) {
      if (handle.kind === 'upload' && handle.path === path) return handle;
    }
    return undefined;
  }

  /** The upload that a handle stands for, if it does: for whom a broken request spoils it. */
  findUpload(id: string): UploadHandle | undefined {
    const handle = this.#handles.get(id);
    return handle?.kind === 'upload' ? handle : undefined;
  }

  /**
   * Ends everything still open, uploads by aborting them, and whatever is added later. Resolves with the failures
   * to abort, if any.
   */
  async abortAll(): Promise<unknown[]> {
    this.#closed = true;
    const open = [...this.#handles.values()];
    this.#handles.clear();
    const results = await Promise.allSettled(open.map(end));
    return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  }
}

async function end(handle: Handle): Promise<void> {
  if (handle.kind === 'upload') await handle.upload.abortWrite();
  if (handle.kind === 'directory') await handle.entries.close();
  if (handle.kind === 'file') handle.reader.close({ lost: true });
}
