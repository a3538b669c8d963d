import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { type DirectoryEntry, Note, type StoredFile } from '../contract/types.ts';
import { ContextScope } from '../telemetry/context-scope.ts';
import { watchFirstBytes } from '../telemetry/first-bytes.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { failSpan, ROOT, startSpan } from '../telemetry/spans.ts';
import { toTraceContext } from '../telemetry/trace-context.ts';
import { BackendOperations } from './backend-operations.ts';
import { type ChunkSpans, TracedUpload } from './traced-upload.ts';
import { type UploadEnding, WatchedUpload } from './watched-upload.ts';

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
  const traced = <T>(
    call: RequestContext,
    operation: string,
    attributes: Attributes,
    work: (call: RequestContext, within: Context) => Promise<T>,
  ) =>
    operations.run(operation, attributes, context.active(), (within) =>
      work({ ...call, scope: new ContextScope(within) }, within),
    );

  /**
   * One span a page, begun when the page is asked for: a slow client does not stretch it. What is asked of the store for a page
   * is part of that page.
   */
  async function* listDir(call: RequestContext, path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    const scope = new ContextScope(ROOT_CONTEXT);
    const pages = backend.listDir({ ...call, scope }, path)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const page = await traced(call, 'list_dir', { [Attribute.PATH]: path }, async (_, within) => {
          scope.current = within;
          const next = await pages.next();
          const entries = next.done ? 0 : next.value.length;
          trace.getSpan(within)?.setAttribute(Attribute.ENTRIES, entries);
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
    const root = startSpan(tracer, SpanName.UPLOAD, ROOT, ROOT_CONTEXT, {
      [Attribute.BACKEND]: backend.name,
      [Attribute.PATH]: path,
      ...(call.uploadId === undefined ? {} : { [Attribute.UPLOAD_ID]: call.uploadId }),
      [Attribute.USER]: principal.username,
      [Attribute.CLIENT_ADDRESS]: connection.clientAddress,
      [Attribute.CLIENT_PORT]: connection.clientPort,
      [Attribute.SESSION_ID]: connection.id,
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
    const scope = new ContextScope(within);
    try {
      const upload = await operations.run('begin_write', at(path), within, (beginning) => {
        scope.current = beginning;
        return backend.beginWrite({ ...call, scope }, path, noted);
      });
      const withSpans = new TracedUpload(upload, { operations, chunkSpans, path, within, scope });
      return new WatchedUpload(withSpans, (ending) => endUpload(root, ending));
    } catch (error) {
      failSpan(root, error);
      root.end();
      throw error;
    }
  }

  return {
    name: backend.name,
    listDir,
    beginWrite,
    fileInfo: (call, path) => traced(call, 'file_info', at(path), (call) => backend.fileInfo(call, path)),
    makeDir: (call, path) => traced(call, 'make_dir', at(path), (call) => backend.makeDir(call, path)),
    delDir: (call, path) => traced(call, 'del_dir', at(path), (call) => backend.delDir(call, path)),
    delete: (call, path) => traced(call, 'delete', at(path), (call) => backend.delete(call, path)),
    rename: (call, from, to, how) =>
      traced(call, 'rename', { [Attribute.PATH]: from, [Attribute.TARGET_PATH]: to }, (call) =>
        backend.rename(call, from, to, how),
      ),
    readFile: (call, path) =>
      traced(call, 'read_file', at(path), (call, within) =>
        operations.sized(within, backend.readFile(call, path)),
      ),
    readFileRange: (call, path, range) =>
      traced(
        call,
        'read_file_range',
        { ...at(path), [Attribute.FIRST_OFFSET]: range.offset },
        (call, within) => operations.sized(within, backend.readFileRange(call, path, range)),
      ),
    writeFile: (call, path, bytes, attributes) =>
      traced(call, 'write_file', { ...at(path), [Attribute.BYTES]: bytes.length }, (call) =>
        backend.writeFile(call, path, bytes, attributes),
      ),
    storedFile: (call, path) =>
      traced(call, 'stored_file', at(path), (call) => backend.storedFile(call, path)),
    locate: (call, path) => backend.locate(call, path),
  };
}

function endUpload(root: Span, ending: UploadEnding): void {
  if (ending.outcome === 'finished') describeStored(root, ending.stored);
  else if (ending.outcome === 'failed') failSpan(root, ending.error);
  else {
    root.setAttribute(Attribute.RESULT, 'ECONNABORTED');
    root.setStatus({ code: SpanStatusCode.ERROR, message: 'the upload ended without CLOSE' });
  }
  root.end();
}

function describeStored(root: Span, { size, etag, location }: StoredFile): void {
  root.setAttributes({
    [Attribute.RESULT]: 'ok',
    [Attribute.BYTES]: size,
    ...(etag === undefined ? {} : { [Attribute.ETAG]: etag }),
    ...(location === undefined ? {} : { [Attribute.BUCKET]: location.bucket, [Attribute.KEY]: location.key }),
  });
}

function at(path: string): Attributes {
  return { [Attribute.PATH]: path };
}
