import { type Attributes, context, ROOT_CONTEXT, type Tracer, trace } from '@opentelemetry/api';
import type { StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import type { Log } from '../contract/log.ts';
import { type DirectoryEntry, Note } from '../contract/types.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import { failSpan, inSpan, ROOT } from '../telemetry/spans.ts';
import { toTraceContext } from '../telemetry/trace-context.ts';
import { type ChunkSpans, TracedUpload } from './traced-upload.ts';

export interface BackendTelemetryOptions {
  readonly tracer: Tracer;
  readonly log: Log;
  /** One `backend.write_chunk` span for the writes of a part, or one for each write. */
  readonly chunkSpans: ChunkSpans;
}

/**
 * A span around every operation of a backend, its uploads included, which get a trace of their own from OPEN to
 * CLOSE. Results and errors pass through unchanged. A new operation of the contract does not compile before it is
 * here.
 */
export function withTelemetry(backend: StreamingBackend, options: BackendTelemetryOptions): StreamingBackend {
  const { tracer } = options;

  function traced<T>(operation: string, attributes: Attributes, run: () => Promise<T>): Promise<T> {
    const span = tracer.startSpan(SpanName.backend(operation), {
      attributes: { [Attribute.BACKEND]: backend.name, ...attributes },
    });
    return inSpan(span, context.active(), run);
  }

  /** One span a page, begun when the page is asked for: a slow client does not stretch it. */
  async function* listDir(call: RequestContext, path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    const pages = backend.listDir(call, path)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const page = await traced('list_dir', { [Attribute.PATH]: path }, async () => {
          const next = await pages.next();
          const entries = next.done ? 0 : next.value.length;
          trace.getActiveSpan()?.setAttribute(Attribute.ENTRIES, entries);
          return next;
        });
        if (page.done) return;
        yield page.value;
      }
    } finally {
      await pages.return?.();
    }
  }

  async function beginWrite(call: RequestContext, path: string, open: WriteOptions): Promise<Upload> {
    const { principal, connection } = call;
    const root = tracer.startSpan(SpanName.UPLOAD, {
      ...ROOT,
      attributes: {
        [Attribute.BACKEND]: backend.name,
        [Attribute.PATH]: path,
        ...(call.uploadId === undefined ? {} : { [Attribute.UPLOAD_ID]: call.uploadId }),
        [Attribute.USER]: principal.username,
        [Attribute.CLIENT_ADDRESS]: connection.clientAddress,
        [Attribute.CLIENT_PORT]: connection.clientPort,
        [Attribute.SESSION_ID]: connection.id,
      },
    });
    const within = trace.setSpan(ROOT_CONTEXT, root);
    // Whoever delivers the file later, under another name perhaps, goes on with its trace.
    const { traceparent } = toTraceContext(root.spanContext());
    const noted =
      traceparent === undefined
        ? open
        : { ...open, notes: { ...open.notes, [Note.TRACEPARENT]: traceparent } };
    try {
      const upload = await context.with(within, () =>
        traced('begin_write', { [Attribute.PATH]: path }, () => backend.beginWrite(call, path, noted)),
      );
      return new TracedUpload(upload, { ...options, backendName: backend.name, path, call, root, within });
    } catch (error) {
      failSpan(root, error);
      root.end();
      throw error;
    }
  }

  const at = (path: string) => ({ [Attribute.PATH]: path });
  return {
    name: backend.name,
    listDir,
    beginWrite,
    fileInfo: (call, path) => traced('file_info', at(path), () => backend.fileInfo(call, path)),
    makeDir: (call, path) => traced('make_dir', at(path), () => backend.makeDir(call, path)),
    delDir: (call, path) => traced('del_dir', at(path), () => backend.delDir(call, path)),
    delete: (call, path) => traced('delete', at(path), () => backend.delete(call, path)),
    rename: (call, from, to, how) =>
      traced('rename', { [Attribute.PATH]: from, [Attribute.TARGET_PATH]: to }, () =>
        backend.rename(call, from, to, how),
      ),
    readFile: (call, path) => traced('read_file', at(path), () => sized(backend.readFile(call, path))),
    readFileRange: (call, path, range) =>
      traced('read_file_range', { ...at(path), [Attribute.FIRST_OFFSET]: range.offset }, () =>
        sized(backend.readFileRange(call, path, range)),
      ),
    writeFile: (call, path, bytes, attributes) =>
      traced('write_file', { ...at(path), [Attribute.BYTES]: bytes.length }, () =>
        backend.writeFile(call, path, bytes, attributes),
      ),
    storedFile: (call, path) => traced('stored_file', at(path), () => backend.storedFile(call, path)),
    locate: (call, path) => backend.locate(call, path),
  };
}

/** Notes on the active span how many bytes came. */
async function sized(reading: Promise<Uint8Array>): Promise<Uint8Array> {
  const span = trace.getActiveSpan();
  const bytes = await reading;
  span?.setAttribute(Attribute.BYTES, bytes.length);
  return bytes;
}
