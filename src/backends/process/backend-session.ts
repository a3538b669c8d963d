import { type Backend, supportsCallback, type Upload } from '../../contract/backend.ts';
import type { RequestContext, Scope, TraceContext } from '../../contract/context.ts';
import { FsError, toFsErrorCode } from '../../contract/errors.ts';
import { type Channel, copyOf } from './channel.ts';
import {
  MAX_PAYLOAD_BYTES,
  type Operation,
  PROTOCOL_VERSION,
  REQUIRED_OPERATIONS,
  type Request,
  type RequestOf,
  requestSchema,
  UPLOAD_OPERATIONS,
} from './protocol.ts';
import { type Page, ServedListing } from './served-listing.ts';
import { copyInto, ServedUpload } from './served-upload.ts';

/** What a served backend says of itself besides its operations. */
export interface ServeOptions {
  /**
   * Where the files are kept, for the jobs: a bucket, and the prefix as the S3 backend has it. Without it a job says the name of
   * the backend and the path until the file is stored.
   */
  readonly location?: { readonly bucket: string; readonly prefix: string };
}

/** What an operation answers with. */
interface Outcome {
  readonly ok?: unknown;
  readonly bytes?: Uint8Array;
  /** Bytes that came with the request and that the backend is done with. */
  readonly returned?: Uint8Array;
}

/** Of a request without session: who asks is not said. */
const NOBODY = {
  username: '',
  attributes: {},
  connection: { id: '', clientAddress: '', clientPort: 0, clientVersion: '' },
};

/** The trace of whatever was asked last: an upload's goes from one of its operations to the next. */
class ServedScope implements Scope {
  trace: TraceContext = {};

  run<T>(work: () => T): T {
    return work();
  }
}

/** What is open and under way for whoever is at the other end of one channel. */
export class BackendSession {
  readonly #channel: Channel;
  readonly #backend: Backend;
  readonly #options: ServeOptions;
  /** By the request that opened them. */
  readonly #uploads = new Map<number, { readonly upload: ServedUpload; readonly scope: ServedScope }>();
  readonly #listings = new Map<number, ServedListing>();
  readonly #running = new Map<number, AbortController>();

  constructor(channel: Channel, backend: Backend, options: ServeOptions) {
    this.#channel = channel;
    this.#backend = backend;
    this.#options = options;
  }

  /** Never rejects: every request is answered. */
  async answer(message: unknown): Promise<void> {
    const { data: request, error } = requestSchema.safeParse(message);
    if (request === undefined) return this.#refuse(message, error);
    const { id } = request;
    const ending = new AbortController();
    this.#running.set(id, ending);
    try {
      const { ok, bytes, returned } = await this.#carryOut(request, ending.signal);
      if (bytes !== undefined && bytes.length > MAX_PAYLOAD_BYTES) {
        throw new FsError('EFBIG', 'too large for one message');
      }
      const payload = returned ?? (bytes && copyOf(bytes));
      this.#channel.send({ id, ok, ...(payload === undefined ? {} : { bytes: payload }) });
    } catch (error) {
      this.#channel.send({ id, error: toError(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  /** Nobody is left to hear how it goes. */
  async end(): Promise<void> {
    for (const running of this.#running.values()) running.abort();
    const ended = [...this.#uploads.values()].map(({ upload }) => upload.abort());
    ended.push(...[...this.#listings.values()].map((listing) => listing.end()));
    this.#uploads.clear();
    this.#listings.clear();
    await Promise.allSettled(ended);
  }

  /** What is no request of this version; an operation that a later one may have is `ENOTSUP`. */
  #refuse(message: unknown, cause: unknown): void {
    const { id, op } = (message ?? {}) as { readonly id?: unknown; readonly op?: unknown };
    if (typeof id !== 'number') return;
    const isKnown = requestSchema.options.some(({ shape }) => shape.op.value === op);
    const code = isKnown ? 'EINVAL' : 'ENOTSUP';
    this.#channel.send({ id, error: toError(new FsError(code, 'no such request', { cause })) });
  }

  #contextOf(request: Request, signal: AbortSignal, scope = new ServedScope()): RequestContext {
    const { username, attributes, permissions, connection } =
      request.session ?? (NOBODY as NonNullable<Request['session']>);
    scope.trace = request.trace ?? {};
    const principal = {
      username,
      session: attributes,
      ...(permissions === undefined ? {} : { permissions }),
    };
    return { principal, connection, signal, scope };
  }

  async #carryOut(request: Request, signal: AbortSignal): Promise<Outcome> {
    const backend = this.#backend;
    switch (request.op) {
      case 'hello':
        return { ok: this.#hello() };
      case 'cancel':
        this.#running.get(request.request)?.abort();
        return {};
      case 'list_dir':
        return { ok: await this.#list(request, signal) };
      case 'next_page':
        return { ok: await this.#nextPage(request.listing, signal) };
      case 'end_list':
        await this.#endListing(request.listing);
        return {};
      case 'begin_write':
        return { ok: await this.#begin(request, signal) };
      case 'abort_write': {
        const { upload } = this.#opened(request);
        this.#uploads.delete(request.upload);
        await upload.abort();
        return {};
      }
      case 'write_chunk':
      case 'finish_write':
      case 'set_size':
      case 'set_attributes':
      case 'sync':
      case 'read_chunk':
      case 'copy_chunk':
        return await this.#continue(request);
    }
    const context = this.#contextOf(request, signal);
    const { path } = request;
    switch (request.op) {
      case 'file_info':
        return { ok: await backend.fileInfo(context, path) };
      case 'make_dir':
        return { ok: await backend.makeDir(context, path) };
      case 'del_dir':
        return { ok: await backend.delDir(context, path) };
      case 'delete':
        return { ok: await backend.delete(context, path) };
      case 'rename': {
        const { to, exclusive, requestedPath } = request;
        const how = {
          ...(exclusive === undefined ? {} : { exclusive }),
          ...(requestedPath === undefined ? {} : { requestedPath }),
        };
        return { ok: (await backend.rename(context, path, to, how)) ?? null };
      }
      case 'read_file':
        return { bytes: await backend.readFile(context, path) };
      case 'write_file':
        return { ok: await backend.writeFile(context, path, request.bytes, request.attributes) };
      case 'read_file_range': {
        assertOffered(supportsCallback(backend, 'readFileRange'));
        const bytes = await backend.readFileRange?.(context, path, toRange(request));
        return bytes === undefined ? {} : { bytes };
      }
      case 'stored_file':
        assertOffered(supportsCallback(backend, 'storedFile'));
        return { ok: await backend.storedFile?.(context, path) };
    }
  }

  #hello() {
    const backend = this.#backend;
    const operations: Operation[] = [...REQUIRED_OPERATIONS, 'next_page', 'end_list', 'cancel'];
    if (supportsCallback(backend, 'readFileRange')) operations.push('read_file_range');
    if (supportsCallback(backend, 'storedFile')) operations.push('stored_file');
    if (supportsCallback(backend, 'beginWrite')) operations.push(...UPLOAD_OPERATIONS);
    const { location } = this.#options;
    const { name } = backend;
    return { version: PROTOCOL_VERSION, name, operations, ...(location === undefined ? {} : { location }) };
  }

  async #list(request: RequestOf<'list_dir'>, signal: AbortSignal): Promise<Page> {
    const { id, path } = request;
    const listing = new ServedListing((ended) =>
      this.#backend.listDir(this.#contextOf(request, ended), path),
    );
    this.#listings.set(id, listing);
    return await this.#nextPage(id, signal);
  }

  async #nextPage(id: number, signal: AbortSignal): Promise<Page> {
    const listing = this.#listings.get(id);
    if (listing === undefined) throw new FsError('EBADF', 'no such listing');
    signal.addEventListener('abort', () => void this.#endListing(id), { once: true });
    let isOver = true;
    try {
      const page = await listing.next();
      isOver = !page.more;
      return page;
    } finally {
      if (isOver) await this.#endListing(id);
    }
  }

  async #endListing(id: number): Promise<void> {
    const listing = this.#listings.get(id);
    this.#listings.delete(id);
    await listing?.end();
  }

  async #begin({ id, ...request }: RequestOf<'begin_write'>, signal: AbortSignal) {
    assertOffered(supportsCallback(this.#backend, 'beginWrite'));
    const { path, options, uploadId } = request;
    const scope = new ServedScope();
    const context = { ...this.#contextOf({ id, ...request }, signal, scope), ...(uploadId && { uploadId }) };
    const upload = new ServedUpload(this.#backend.beginWrite?.(context, path, options) as Promise<Upload>);
    this.#uploads.set(id, { upload, scope });
    try {
      const { size, copyChunk } = await upload.begun();
      return { size, copies: copyChunk !== undefined };
    } catch (error) {
      this.#uploads.delete(id);
      throw error;
    }
  }

  #opened({ upload: id, trace }: { readonly upload: number; readonly trace?: TraceContext }) {
    const opened = this.#uploads.get(id);
    if (opened === undefined) throw new FsError('EBADF', 'no such upload');
    if (trace !== undefined) opened.scope.trace = trace;
    return opened;
  }

  async #continue(request: UploadRequest): Promise<Outcome> {
    const { upload } = this.#opened(request);
    return await upload.inTurn(async (open): Promise<Outcome> => {
      switch (request.op) {
        case 'write_chunk':
          await open.writeChunk(request.offset, request.bytes);
          return this.#channel.movesMemory ? { returned: request.bytes } : {};
        case 'finish_write':
          this.#uploads.delete(request.upload);
          return { ok: await open.finishWrite() };
        case 'set_size':
          return { ok: await open.setSize(request.size) };
        case 'set_attributes':
          open.setAttributes(request.attributes);
          return {};
        case 'sync':
          return { ok: await open.sync() };
        case 'read_chunk':
          return { bytes: await open.readChunk(request.offset, request.length) };
        case 'copy_chunk':
          await copyInto(open, request.path, toRange(request), request.to);
          return {};
      }
    });
  }
}

type UploadRequest = RequestOf<Exclude<(typeof UPLOAD_OPERATIONS)[number], 'begin_write' | 'abort_write'>>;

function assertOffered(isOffered: boolean): void {
  if (!isOffered) throw new FsError('ENOTSUP', 'the backend does not have this operation');
}

function toRange({ offset, length, etag }: { offset: number; length: number; etag?: string }) {
  return { offset, length, ...(etag === undefined ? {} : { etag }) };
}

/** What is no `FsError` is `EIO`; what it says goes into Sluice's log, and to no client. */
function toError(error: unknown): { readonly code: string; readonly message: string } {
  const code = toFsErrorCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code, message: message.replace(`${code}: `, '').slice(0, 1000) };
}
