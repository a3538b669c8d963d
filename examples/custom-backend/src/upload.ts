import {
  type FileAttributes,
  FsError,
  type RequestContext,
  type StoredFile,
  type Upload,
  type WriteOptions,
} from 'sluice';
import type { Api, ApiRequest } from './api.ts';
import type { Entry } from './backend.ts';

/** Writes that lie one behind the other go up together, in pieces of at most this many bytes. Each upload holds one. */
const PIECE_BYTES = 1024 * 1024;

interface Opened {
  readonly id: string;
  readonly size: number;
}

/** Opens an upload of the API: bytes at any offset, invisible until it is finished. */
export async function openUpload(
  api: Api,
  context: RequestContext,
  path: string,
  { create, exclusive, truncate, append, attributes: given = {} }: WriteOptions,
  toStored: (entry: Entry) => StoredFile,
): Promise<Upload> {
  const opened = await api.json<Opened>(
    context,
    { operation: 'beginWrite', path },
    { method: 'POST', resource: 'uploads', query: { path, create, exclusive, truncate } },
  );
  const resource = `uploads/${opened.id}`;
  let attributes: FileAttributes = given;
  let { size } = opened;
  let hasEnded = false;
  // What is collected: `filled` bytes of `piece`, for `start`.
  let piece: Uint8Array | undefined;
  let start = 0;
  let filled = 0;
  // A piece that was lost: what the client believes to have written is not there, so it must not be stored.
  let failure: { readonly error: unknown } | undefined;
  // Requests of one upload go one after the other.
  let last: Promise<unknown> = Promise.resolve();

  function assertOpen(operation: string): void {
    if (hasEnded) throw ended(operation, path);
    if (failure !== undefined) throw failure.error;
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  }

  function call<T>(operation: string, request: Omit<ApiRequest, 'resource'> & { readonly below?: string }) {
    const { below = '', ...rest } = request;
    return api.json<T>(context, { operation, path }, { resource: `${resource}${below}`, ...rest });
  }

  /** Sends what is collected. The API has it when this resolves. */
  async function send(): Promise<void> {
    if (piece === undefined || filled === 0) return;
    const [body, offset] = [piece.subarray(0, filled), start];
    try {
      await call('writeChunk', { method: 'PATCH', query: { offset }, body });
      filled = 0;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }

  async function write(offset: number, bytes: Uint8Array): Promise<void> {
    assertOpen('writeChunk');
    for (let taken = 0; taken < bytes.length; ) {
      const at = offset + taken;
      if (filled > 0 && at !== start + filled) await send();
      piece ??= new Uint8Array(PIECE_BYTES);
      if (filled === 0) start = at;
      const part = bytes.subarray(taken, taken + piece.length - filled);
      piece.set(part, filled);
      filled += part.length;
      taken += part.length;
      size = Math.max(size, at + part.length);
      if (filled === piece.length) await send();
    }
  }

  /** Nothing follows: the piece is let go. */
  function end(): void {
    hasEnded = true;
    piece = undefined;
    filled = 0;
  }

  async function drop(): Promise<void> {
    end();
    // The API forgets uploads that nobody goes on with, so one that cannot be told is no reason to fail.
    await call('abortWrite', { method: 'DELETE', isDetached: true }).catch(() => undefined);
  }

  return {
    // The promise is the backpressure: the client is not read while a piece is on its way.
    writeChunk: (offset, bytes) => inTurn(() => write(append ? size : offset, bytes)),

    setSize: (to) =>
      inTurn(async () => {
        assertOpen('setSize');
        await send();
        await call('setSize', { method: 'PUT', below: '/size', query: { size: to } });
        size = to;
      }),

    readChunk: (offset, length) =>
      inTurn(async () => {
        assertOpen('readChunk');
        await send();
        if (length === 0 || offset >= size) return new Uint8Array(0);
        const headers = { range: `bytes=${offset}-${offset + length - 1}` };
        const asked = { operation: 'readChunk', path };
        return await api.bytes(context, asked, { resource: `${resource}/content`, headers });
      }),

    setAttributes(more) {
      assertOpen('setAttributes');
      attributes = { ...attributes, ...more };
    },

    get size() {
      return size;
    },

    sync: () =>
      inTurn(async () => {
        assertOpen('sync');
        await send();
      }),

    finishWrite: () =>
      inTurn(async () => {
        if (hasEnded) throw ended('finishWrite', path);
        try {
          assertOpen('finishWrite');
          await send();
          const { mtime, mode } = attributes;
          // The API refuses a size that it does not have: then bytes were lost on the way.
          const query = { size, mtime, mode };
          const request = { method: 'POST', below: '/finish', query, isDetached: true } as const;
          const entry = await call<Entry>('finishWrite', request);
          end();
          return toStored(entry);
        } catch (error) {
          await drop();
          throw error;
        }
      }),

    abortWrite: async () => {
      if (!hasEnded) await inTurn(drop);
    },
  };
}

function ended(operation: string, path: string): FsError {
  return new FsError('EBADF', 'the upload has ended', { operation, path });
}
