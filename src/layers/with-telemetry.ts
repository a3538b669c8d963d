import { type Attributes, context, ROOT_CONTEXT, type Tracer, trace } from '@opentelemetry/api';
import type { StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { type DirectoryEntry, Note } from '../contract/types.ts';
import { watchFirstBytes } from '../telemetry/first-bytes.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { failSpan, ROOT } from '../telemetry/spans.ts';
import { toTraceContext } from '../telemetry/trace-context.ts';
import { BackendOperations } from './backend-operations.ts';
import { type ChunkSpans, TracedUpload } from './traced-upload.ts';

export interface BackendTelemetryOptions {
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  /** One `backend.write_chunk` span for the writes of a part, or one for each write. */
  readonly chunkSpans: ChunkSpans;
}

/**
 * A span around every operation of a backend, its uploads included, which get a trace of their own from OPEN to
 * CLOSE. Results and errors pass through unchanged. A new operation of the contract does not compile before it is
 * here.
 */
export function withTelemetry(backend: StreamingBackend, options: BackendTelemetryOptions): StreamingBackend {
  const { tracer, metrics, chunkSpans } = options;
  const operations = new BackendOperations(tracer, metrics, backend.name);
  const traced = <T>(operation: string, attributes: Attributes, work: () => Promise<T>) =>
    operations.run(operation, attributes, context.active(), work);

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
    const openedAt = performance.now();
    const within = watchFirstBytes(trace.setSpan(ROOT_CONTEXT, root), () => {
      metrics.record('sluice.upload.time_to_first_byte', (performance.now() - openedAt) / 1000, {});
    });
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
      return new TracedUpload(upload, { operations, chunkSpans, path, root, within });
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
    readFile: (call, path) =>
      traced('read_file', at(path), () => operations.sized(backend.readFile(call, path))),
    readFileRange: (call, path, range) =>
      traced('read_file_range', { ...at(path), [Attribute.FIRST_OFFSET]: range.offset }, () =>
        operations.sized(backend.readFileRange(call, path, range)),
      ),
    writeFile: (call, path, bytes, attributes) =>
      traced('write_file', { ...at(path), [Attribute.BYTES]: bytes.length }, () =>
        backend.writeFile(call, path, bytes, attributes),
      ),
    storedFile: (call, path) => traced('stored_file', at(path), () => backend.storedFile(call, path)),
    locate: (call, path) => backend.locate(call, path),
  };
}
