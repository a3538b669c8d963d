import type { Backend, FileRange, RenameOptions, Upload, WriteOptions } from '../../contract/backend.ts';
import type { ManagedBackend } from '../../contract/backend-source.ts';
import type { RequestContext } from '../../contract/context.ts';
import { FsError } from '../../contract/errors.ts';
import type { Log } from '../../contract/log.ts';
import type { MemoryAllowance } from '../../contract/memory.ts';
import { PrefixMapper } from '../../contract/prefix.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { DirectoryEntry, FileAttributes, FileLocation, StoredFile } from '../../contract/types.ts';
import { copyOf } from './channel.ts';
import { Link } from './link.ts';
import type { Answer, FieldsOf, Peer, Waiting } from './peer.ts';
import { ProcessUpload } from './process-upload.ts';
import {
  MAX_PAYLOAD_BYTES,
  type Operation,
  PROTOCOL_VERSION,
  type Request,
  type SessionFields,
} from './protocol.ts';
import { createConnector, type ProcessTarget } from './start.ts';
import { BatchMemory } from './write-batch.ts';

/** Where the backend is, and how long it is waited for. */
export type ProcessBackendOptions = ProcessTarget & {
  /** Whether each message says whose it is; false when absent, as with the library that this follows. */
  readonly session?: boolean;
  /** Milliseconds for whatever opens, looks or changes names, the start of the process included: 30,000. */
  readonly openTimeout?: number;
  /** Milliseconds for whatever stores bytes: a write that waits for room, the end of an upload, a whole file: 120,000. */
  readonly closeTimeout?: number;
  /** Of bytes under way; without one an upload has 4 MiB of its own. */
  readonly memory?: MemoryAllowance | undefined;
  readonly log?: Log;
};

/** A backend that lives in another thread or process. */
export interface ProcessBackend extends ManagedBackend {
  /** Whether the process answers. @throws FsError `EIO`, `ETIMEDOUT`. */
  probe(): Promise<ProbeResult>;
  /** Ends the process if it was started here. */
  close(): Promise<void>;
}

/** Who asks, and in which trace. */
type Named = Pick<Request, 'session' | 'trace'>;

/**
 * Starts or reaches the process, and speaks for it. It has the operations that the process offers when it is met first; a
 * process that dies makes what is under way fail with `EIO`, and is started or reached again by the next operation.
 * @throws FsError `EIO`, `ETIMEDOUT` when it does not answer.
 */
export async function createProcessBackend(options: ProcessBackendOptions): Promise<ProcessBackend> {
  const { openTimeout = 30_000, closeTimeout = 120_000, log } = options;
  const memory = new BatchMemory(options.memory);
  const onFault = (fault: string, cause?: unknown) => log?.warn({ err: cause }, `process backend: ${fault}`);
  const link = new Link({ connect: createConnector(options), onFault, patience: openTimeout });
  const { name, operations, location } = await link.hello(openTimeout).catch(async (error) => {
    await link.close();
    throw error;
  });

  /** Session and trace of a request. */
  const frame = ({ principal, connection, scope }: RequestContext): Named => {
    const trace = scope?.trace ?? {};
    return {
      ...(options.session ? { session: toSession(principal, connection) } : {}),
      ...(trace.traceparent === undefined ? {} : { trace }),
    };
  };

  async function ask<Op extends Operation>(
    context: RequestContext,
    op: Op,
    fields: Omit<FieldsOf<Op>, 'session' | 'trace'>,
    { timeout = openTimeout, signal, peer }: Partial<Waiting> & { readonly peer?: Peer } = {},
  ): Promise<Answer<Op>> {
    const deadline = performance.now() + timeout;
    const asked = peer ?? (await link.peer(timeout));
    const left = Math.max(deadline - performance.now(), 1);
    const request = { ...frame(context), ...fields } as unknown as FieldsOf<Op>;
    return await asked.request(
      op,
      request,
      signal === undefined ? { timeout: left } : { timeout: left, signal },
    );
  }

  async function* listDir(context: RequestContext, path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    const { signal } = context;
    const peer = await link.peer(openTimeout);
    const listing = peer.nextId;
    let { ok: page } = await ask(context, 'list_dir', { path }, { peer, signal });
    let isOver = false;
    try {
      for (;;) {
        isOver = !page.more;
        if (page.entries.length > 0) yield page.entries;
        if (isOver) return;
        page = (await ask(context, 'next_page', { listing }, { peer, signal })).ok;
      }
    } finally {
      if (!isOver) peer.tell('end_list', { listing, ...frame(context) });
    }
  }

  async function rename(
    context: RequestContext,
    from: string,
    to: string,
    how: RenameOptions = {},
  ): Promise<StoredFile | undefined> {
    const { ok } = await ask(context, 'rename', { path: from, to, ...how }, { timeout: closeTimeout });
    if (ok !== undefined) return ok ?? undefined;
    // It does not say what it has moved.
    const { type, size, etag } = (await ask(context, 'file_info', { path: to })).ok;
    return type === 'directory' ? undefined : { size, ...(etag === undefined ? {} : { etag }) };
  }

  async function writeFile(
    context: RequestContext,
    path: string,
    bytes: Uint8Array,
    attributes?: FileAttributes,
  ): Promise<StoredFile> {
    if (bytes.length > MAX_PAYLOAD_BYTES) throw new FsError('EFBIG', 'too large for one message', { path });
    const fields = { path, bytes: copyOf(bytes), ...(attributes === undefined ? {} : { attributes }) };
    const { ok } = await ask(context, 'write_file', fields, { timeout: closeTimeout });
    return ok ?? { size: bytes.length };
  }

  async function readFileRange(
    context: RequestContext,
    path: string,
    { offset, length, etag }: FileRange,
  ): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    const fields = { path, offset, length, ...(etag === undefined ? {} : { etag }) };
    const { bytes } = await ask(context, 'read_file_range', fields, { signal: context.signal });
    if (bytes.length > length) throw new FsError('EIO', 'more bytes than were asked for', { path });
    return bytes;
  }

  async function beginWrite(context: RequestContext, path: string, how: WriteOptions): Promise<Upload> {
    const { uploadId } = context;
    const peer = await link.peer(openTimeout);
    const id = peer.nextId;
    const fields = { path, options: how, ...(uploadId === undefined ? {} : { uploadId }) };
    const { ok } = await ask(context, 'begin_write', fields, { peer }).catch((error) => {
      // It may begin yet.
      if (error instanceof FsError && error.code === 'ETIMEDOUT') {
        peer.tell('abort_write', { upload: id, ...frame(context) });
      }
      throw error;
    });
    const { append } = how;
    const opened = { peer, id, path, ...ok, append, frame: () => frame(context) };
    return new ProcessUpload({ ...opened, openTimeout, closeTimeout, memory });
  }

  const whole: Backend = {
    name,
    listDir,
    fileInfo: async (context, path) => (await ask(context, 'file_info', { path }, context)).ok,
    makeDir: async (context, path) => void (await ask(context, 'make_dir', { path })),
    delDir: async (context, path) => void (await ask(context, 'del_dir', { path })),
    delete: async (context, path) => void (await ask(context, 'delete', { path })),
    rename,
    readFile: async (context, path) => {
      const { signal } = context;
      return (await ask(context, 'read_file', { path }, { timeout: closeTimeout, signal })).bytes;
    },
    writeFile,
  };
  const offers = (...wanted: readonly Operation[]) => wanted.every((each) => operations.includes(each));
  return {
    ...whole,
    ...(offers('read_file_range') ? { readFileRange } : {}),
    ...(offers('begin_write', 'write_chunk', 'finish_write', 'abort_write') ? { beginWrite } : {}),
    ...(offers('stored_file')
      ? { storedFile: async (context, path) => (await ask(context, 'stored_file', { path }, context)).ok }
      : {}),
    ...(location === undefined ? {} : { locate: toLocate(location) }),
    probe: async () => {
      const peer = await link.peer(openTimeout);
      // Any answer will do, ENOTSUP too.
      await peer.request('hello', { version: PROTOCOL_VERSION }, { timeout: openTimeout }).catch((error) => {
        if (!(error instanceof FsError && error.code === 'ENOTSUP')) throw error;
      });
      return { state: 'ok' };
    },
    close: () => link.close(),
  } satisfies ProcessBackend;
}

function toSession(
  { username, session, permissions }: RequestContext['principal'],
  { id, clientAddress, clientPort, clientVersion }: RequestContext['connection'],
): SessionFields {
  return {
    username,
    attributes: { ...session },
    connection: { id, clientAddress, clientPort, clientVersion },
    ...(permissions === undefined ? {} : { permissions: [...permissions] }),
  };
}

/** `prefix` is written as that of the S3 backend: static, or `session:KEY`. */
function toLocate({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }) {
  const prefixes = new PrefixMapper(prefix);
  return ({ principal }: RequestContext, path: string): FileLocation => ({
    bucket,
    key: prefixes.prefixOf(principal) + path.slice(1),
  });
}
