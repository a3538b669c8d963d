import type { FileRange } from '../../contract/backend.ts';
import { FsError } from '../../contract/errors.ts';
import { type Handle, spoil, type UploadHandle } from '../handle-table.ts';
import { LIMITS } from '../limits.ts';
import type { RequestOf, SessionState } from '../state.ts';
import { readUpload } from './files.ts';
import { ok } from './ok.ts';

type Source = Extract<Handle, { kind: 'file' | 'upload' }>;

/**
 * copy-data (draft-ietf-secsh-filexfer-extensions-00, section 7): bytes of one open file into another, without a way
 * over the client. A length of 0 means all up to the end. Where the store can copy by itself, they do not come here either.
 */
export async function copyData(state: SessionState, request: RequestOf<'copyData'>): Promise<Buffer> {
  const source = state.handles.get(request.source, 'file', 'upload');
  const target = state.handles.get(request.handle, 'upload');
  if (source.path === target.path) throw new FsError('EINVAL', 'a file cannot be copied into itself');
  if (target.failure !== undefined) throw target.failure;
  const size = source.kind === 'file' ? source.info.size : source.upload.size;
  const left = Math.max(0, size - request.sourceOffset);
  const length = request.length === 0 ? left : Math.min(request.length, left);
  if (length > 0) {
    const range = { offset: request.sourceOffset, length };
    await copy(source, range, target, request.offset).catch((error) => spoil(target, error));
  }
  return ok(request.id);
}

async function copy(source: Source, range: FileRange, { upload }: UploadHandle, to: number): Promise<void> {
  if (source.kind === 'file' && upload.copyChunk !== undefined) {
    const { etag } = source.info;
    return await upload.copyChunk(source.path, { ...range, ...(etag === undefined ? {} : { etag }) }, to);
  }
  for (let done = 0; done < range.length; ) {
    const bytes = await readFrom(
      source,
      range.offset + done,
      Math.min(range.length - done, LIMITS.maxReadBytes),
    );
    if (bytes.length === 0) throw new FsError('ESTALE', 'the file has become shorter', { path: source.path });
    await upload.writeChunk(to + done, bytes);
    done += bytes.length;
  }
}

async function readFrom(source: Source, offset: number, length: number): Promise<Uint8Array> {
  if (source.kind === 'file') return await source.reader.read(offset, length);
  return await readUpload(source, offset, length);
}
