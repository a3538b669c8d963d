import { randomUUID } from 'node:crypto';
import { FsError } from '../../contract/errors.ts';
import { type EndedReading, type FetchRange, FileReader } from '../file-reader.ts';
import { type Handle, spoil, type UploadHandle } from '../handle-table.ts';
import { LIMITS } from '../limits.ts';
import type { RequestOf, SessionState } from '../state.ts';
import { toFileAttributes } from '../wire/attributes.ts';
import { OpenFlag } from '../wire/constants.ts';
import { dataReply, handleReply, type Reply } from '../wire/replies.ts';
import { endOfFile, ok } from './ok.ts';
import { resolvePath } from './resolve-path.ts';

export async function open(state: SessionState, request: RequestOf<'open'>): Promise<Buffer> {
  state.handles.assertRoom();
  const path = resolvePath(state, request.path);
  const handle =
    request.flags & OpenFlag.WRITE
      ? await openUpload(state, path, request)
      : await openFile(state, path, request.flags);
  return handleReply(request.id, state.handles.add(handle));
}

/** A handle opened for reading too reads what has been written so far. */
async function openUpload(
  { backend, context }: SessionState,
  path: string,
  { flags, attributes }: RequestOf<'open'>,
): Promise<Handle> {
  const has = (flag: number) => (flags & flag) !== 0;
  const upload = await backend.beginWrite({ ...context, uploadId: randomUUID() }, path, {
    create: has(OpenFlag.CREAT),
    exclusive: has(OpenFlag.CREAT) && has(OpenFlag.EXCL),
    truncate: has(OpenFlag.TRUNC),
    append: has(OpenFlag.APPEND),
    read: has(OpenFlag.READ),
    attributes: toFileAttributes(attributes),
  });
  return { kind: 'upload', path, upload, startedAt: Date.now() / 1000, mayRead: has(OpenFlag.READ) };
}

async function openFile(state: SessionState, path: string, flags: number): Promise<Handle> {
  const { backend, context } = state;
  if (flags !== OpenFlag.READ) throw new FsError('EINVAL', 'open flags that only make sense with WRITE');
  const info = await state.observer.request('open', path, () => backend.fileInfo(context, path));
  if (info.type === 'directory') throw new FsError('EISDIR', 'a directory cannot be read as a file');
  const { size, etag } = info;
  // The end of the session closes the reader, so that its signal says that too.
  const fetch: FetchRange = (offset, length, signal, allocate) =>
    state.observer.request('read', path, () =>
      backend.readFileRange({ ...context, signal }, path, {
        offset,
        length,
        allocate,
        ...(etag === undefined ? {} : { etag }),
      }),
    );
  const onClosed = (ended: EndedReading) => state.observer.downloaded(path, ended);
  const reader = new FileReader({ size, fetch, memory: state.memory, onClosed });
  return { kind: 'file', path, info, reader };
}

/** OK means that the file is stored and its job is queued; whatever else happened is the reply's error. */
export async function close(state: SessionState, request: RequestOf<'close'>): Promise<Buffer> {
  const handle = state.handles.remove(request.handle);
  if (handle.kind === 'directory') await handle.entries.close();
  if (handle.kind === 'file') handle.reader.close();
  if (handle.kind === 'upload') {
    if (handle.failure !== undefined) {
      await handle.upload.abortWrite();
      throw handle.failure;
    }
    await handle.upload.finishWrite();
  }
  return ok(request.id);
}

/**
 * Without a promise as long as the bytes are there: most reads cost no turn of the event loop. Bytes that are too early are not
 * asked for yet.
 */
export function read(state: SessionState, request: RequestOf<'read'>): Reply | Promise<Reply> {
  const { pace, context } = state;
  const handle = state.handles.get(request.handle, 'file', 'upload');
  const length = Math.min(request.length, LIMITS.maxReadBytes);
  if (pace === undefined) return readNow(handle, request, length);
  const size = handle.kind === 'file' ? handle.info.size : handle.upload.size;
  const due = pace.take(Math.max(0, Math.min(length, size - request.offset)), context.signal);
  return due === undefined
    ? readNow(handle, request, length)
    : due.then(() => readNow(handle, request, length));
}

function readNow(
  handle: Extract<Handle, { kind: 'file' | 'upload' }>,
  request: RequestOf<'read'>,
  length: number,
): Reply | Promise<Reply> {
  const reply = (bytes: Uint8Array) =>
    bytes.length === 0 ? endOfFile(request.id) : dataReply(request.id, bytes);
  if (handle.kind === 'upload') return readUpload(handle, request.offset, length).then(reply);
  const bytes = handle.reader.read(request.offset, length);
  return bytes instanceof Promise ? bytes.then(reply) : reply(bytes);
}

/** @throws FsError `EBADF` when the handle was opened for writing alone. */
export async function readUpload(handle: UploadHandle, offset: number, length: number): Promise<Uint8Array> {
  if (!handle.mayRead) throw new FsError('EBADF', 'the handle is not open for reading');
  if (handle.failure !== undefined) throw handle.failure;
  return await handle.upload.readChunk(offset, length).catch((error) => spoil(handle, error));
}
