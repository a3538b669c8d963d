import { context, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { StackContextManager } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend, Upload } from '../../src/contract/backend.ts';
import type { Scope } from '../../src/contract/context.ts';
import { FsError } from '../../src/contract/errors.ts';
import type { JobPlace } from '../../src/contract/jobs.ts';
import type { Log } from '../../src/contract/log.ts';
import { LiveUploads } from '../../src/layers/live-uploads.ts';
import { observeRequests } from '../../src/layers/observe-requests.ts';
import { withActivity } from '../../src/layers/with-activity.ts';
import { withFailureEvents } from '../../src/layers/with-failure-events.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { withPublisherTelemetry } from '../../src/layers/with-publisher-telemetry.ts';
import { type BackendTelemetryOptions, withTelemetry } from '../../src/layers/with-telemetry.ts';
import { noTelemetry } from '../../src/telemetry/no-telemetry.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { turn } from '../support/sftp-driver.ts';
import { type JobHooks, watchJobs } from '../support/watch-jobs.ts';

type FinishedSpan = ReturnType<InMemorySpanExporter['getFinishedSpans']>[number];

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register({ contextManager: new StackContextManager().enable() });
const tracer: Tracer = provider.getTracer('test');

const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
const call = { ...createTestContext({ principal: { username: 'acme' } }), uploadId: 'upload-1' };
const bytes = (length: number) => Buffer.alloc(length, 1);

let logged: { readonly level: string; readonly message: string; readonly fields: Record<string, unknown> }[];

const { metrics } = noTelemetry();

beforeEach(() => {
  exporter.reset();
  logged = [];
});
afterAll(async () => {
  await provider.shutdown();
  context.disable();
  trace.disable();
});

const log = Object.fromEntries(
  ['debug', 'info', 'warn', 'error'].map((level) => [
    level,
    (fields: Record<string, unknown>, message: string) => logged.push({ level, message, fields }),
  ]),
) as unknown as Log;

function traced(backend: StreamingBackend, options: Partial<BackendTelemetryOptions> = {}): StreamingBackend {
  const active = withActivity(backend, { live: new LiveUploads(), metrics, log, listener: undefined });
  return withTelemetry(active, { tracer, metrics, chunkSpans: 'part', ...options });
}

/** The memory backend, its uploads with parts of 10 bytes, and with whatever else is put over them. */
function withUpload(changes: (upload: Upload) => Partial<Upload> = () => ({})): StreamingBackend {
  const memory = createMemoryBackend();
  return {
    ...memory,
    beginWrite: async (...args) => {
      const upload = await memory.beginWrite(...args);
      return {
        get size() {
          return upload.size;
        },
        writeChunk: (offset, chunk) => upload.writeChunk(offset, chunk),
        setSize: (size) => upload.setSize(size),
        readChunk: (offset, length) => upload.readChunk(offset, length),
        setAttributes: (attributes) => upload.setAttributes(attributes),
        sync: () => upload.sync(),
        finishWrite: () => upload.finishWrite(),
        abortWrite: () => upload.abortWrite(),
        unitAt: (offset) => Math.floor(offset / 10) + 1,
        ...changes(upload),
      };
    },
  };
}

const spans = () => exporter.getFinishedSpans();
const names = () => spans().map(({ name }) => name);

function only(name: string): FinishedSpan {
  const found = spans().filter((span) => span.name === name);
  if (found.length !== 1) throw new Error(`${found.length} spans named ${name} among: ${names()}`);
  return found[0] as FinishedSpan;
}

const exceptions = (span: FinishedSpan) => span.events.filter(({ name }) => name === 'exception');

describe('an operation', () => {
  const OPERATIONS: readonly (readonly [string, (backend: StreamingBackend) => Promise<unknown>, object])[] =
    [
      ['file_info', (backend) => backend.fileInfo(call, '/file'), { 'sluice.path': '/file' }],
      ['make_dir', (backend) => backend.makeDir(call, '/new'), { 'sluice.path': '/new' }],
      ['del_dir', (backend) => backend.delDir(call, '/dir'), { 'sluice.path': '/dir' }],
      ['delete', (backend) => backend.delete(call, '/file'), { 'sluice.path': '/file' }],
      [
        'rename',
        (backend) => backend.rename(call, '/file', '/to'),
        { 'sluice.path': '/file', 'sluice.target_path': '/to' },
      ],
      [
        'read_file',
        (backend) => backend.readFile(call, '/file'),
        { 'sluice.path': '/file', 'sluice.bytes': 5 },
      ],
      [
        'read_file_range',
        (backend) => backend.readFileRange(call, '/file', { offset: 1, length: 3 }),
        { 'sluice.path': '/file', 'sluice.bytes': 3, 'sluice.write.first_offset': 1 },
      ],
      [
        'write_file',
        (backend) => backend.writeFile(call, '/file', bytes(7)),
        { 'sluice.path': '/file', 'sluice.bytes': 7 },
      ],
    ];

  async function createTree(): Promise<StreamingBackend> {
    const memory = createMemoryBackend();
    await memory.writeFile(call, '/file', bytes(5));
    await memory.makeDir(call, '/dir');
    return memory;
  }

  test.each(OPERATIONS)(
    'backend.%s is a span that says what, where and how it went',
    async (name, run, attributes) => {
      const plain = await run(await createTree());
      expect(spans()).toEqual([]);
      const result = await run(traced(await createTree()));
      const span = only(`backend.${name}`);
      expect(span.attributes).toEqual({ 'sluice.backend': 'memory', 'sluice.result': 'ok', ...attributes });
      expect(span.status.code).not.toBe(SpanStatusCode.ERROR);
      expect(JSON.stringify(result)?.replace(/"(mtime|etag)":[^,}]+/g, '')).toBe(
        JSON.stringify(plain)?.replace(/"(mtime|etag)":[^,}]+/g, ''),
      );
    },
  );

  test('hands on the very arguments and the very result, and the scope of the operation', async () => {
    const result = new Uint8Array(3);
    const seen: unknown[] = [];
    const backend = traced({
      ...createMemoryBackend(),
      readFileRange: async (...args) => {
        seen.push(...args);
        return result;
      },
    });
    const range = { offset: 4, length: 3, etag: 'x' };
    expect(await backend.readFileRange(call, '/a', range)).toBe(result);
    const { traceId, spanId } = only('backend.read_file_range').spanContext();
    const trace = { traceparent: `00-${traceId}-${spanId}-01` };
    expect(seen[0]).toEqual({ ...call, scope: expect.objectContaining({ trace }) });
    expect(seen.slice(1)).toEqual(['/a', range]);
    expect(backend.name).toBe('memory');
  });

  test.each([
    ['an FsError', new FsError('ENOTEMPTY', 'no', { path: '/dir' }), 'ENOTEMPTY'],
    ['an unknown error', new TypeError('no'), 'EIO'],
  ])(
    'that fails with %s is a span with ERROR and one exception, and rethrows it as it is',
    async (_, error, code) => {
      const backend = traced({
        ...createMemoryBackend(),
        delDir: async () => {
          throw error;
        },
      });
      await expect(backend.delDir(call, '/dir')).rejects.toBe(error);
      const span = only('backend.del_dir');
      expect(span.attributes['sluice.result']).toBe(code);
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: error.message });
      expect(exceptions(span)).toHaveLength(1);
      expect(exceptions(span)[0]?.attributes?.['exception.message']).toBe(error.message);
    },
  );

  test('is below the request that it is part of, which is a trace of its own', async () => {
    const memory = await createTree();
    const backend = traced(memory);
    const { request } = observeRequests(tracer, log)(call.principal, call.connection);
    await request('stat', '/file', () => backend.fileInfo(call, '/file'));
    await request('stat', '/file', () => backend.fileInfo(call, '/file'));
    const [first, second] = spans().filter(({ name }) => name === 'sftp.stat');
    const below = spans().filter(({ name }) => name === 'backend.file_info');
    expect(first?.kind).toBe(SpanKind.SERVER);
    expect(first?.parentSpanContext).toBeUndefined();
    expect(first?.attributes).toEqual({ 'sluice.path': '/file', 'sluice.result': 'ok' });
    expect(below.map((span) => span.parentSpanContext?.spanId)).toEqual([
      first?.spanContext().spanId,
      second?.spanContext().spanId,
    ]);
    expect(first?.spanContext().traceId).not.toBe(second?.spanContext().traceId);
  });
});

describe('a listing', () => {
  test('has one span a page, with the number of entries, and one for the end', async () => {
    const memory = createMemoryBackend();
    for (let index = 0; index < 100; index++) await memory.writeFile(call, `/${index}`, bytes(0));
    const pages: number[] = [];
    for await (const page of traced(memory).listDir(call, '/')) {
      pages.push(page.length);
      expect(names()).toHaveLength(pages.length);
    }
    expect(pages).toEqual([64, 36]);
    expect(names()).toEqual(['backend.list_dir', 'backend.list_dir', 'backend.list_dir']);
    expect(spans().map(({ attributes }) => attributes['sluice.entries'])).toEqual([64, 36, 0]);
    expect(spans()[0]?.attributes).toMatchObject({ 'sluice.path': '/', 'sluice.backend': 'memory' });
  });

  test('that fails has an ERROR on the page that failed', async () => {
    const listing = traced(createMemoryBackend()).listDir(call, '/none');
    await expect(listing[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'ENOENT' });
    const span = only('backend.list_dir');
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(exceptions(span)).toHaveLength(1);
  });

  test('that is left half way lets the backend go', async () => {
    let released = false;
    const backend = traced({
      ...createMemoryBackend(),
      async *listDir() {
        try {
          yield [];
          yield [];
        } finally {
          released = true;
        }
      },
    });
    for await (const _page of backend.listDir(call, '/')) break;
    expect(released).toBe(true);
  });
});

describe('an upload', () => {
  test('is one trace from begin to finish: sluice.upload, and every call of the backend below it', async () => {
    const backend = traced(withUpload());
    const upload = await tracer.startActiveSpan('elsewhere', async (span) => {
      const begun = await backend.beginWrite(call, '/a', REPLACE);
      span.end();
      return begun;
    });
    upload.writeChunk(0, bytes(5));
    await upload.setSize(4);
    await upload.sync();
    await upload.finishWrite();
    expect(names()).toEqual([
      'backend.begin_write',
      'elsewhere',
      'backend.write_chunk',
      'backend.set_size',
      'backend.sync',
      'backend.finish_write',
      'sluice.upload',
    ]);
    const root = only('sluice.upload');
    expect(root.kind).toBe(SpanKind.SERVER);
    expect(root.parentSpanContext).toBeUndefined();
    for (const span of spans()) {
      if (span.name === 'elsewhere' || span === root) continue;
      expect(span.parentSpanContext?.spanId).toBe(root.spanContext().spanId);
      expect(span.attributes).toMatchObject({
        'sluice.backend': 'memory',
        'sluice.path': '/a',
        'sluice.result': 'ok',
      });
    }
  });

  test('tells on its root who sent it and what came of it', async () => {
    const upload = await traced(withUpload()).beginWrite(call, '/a', REPLACE);
    upload.writeChunk(0, bytes(5));
    const stored = await upload.finishWrite();
    expect(only('sluice.upload').attributes).toEqual({
      'sluice.backend': 'memory',
      'sluice.path': '/a',
      'sluice.upload.id': 'upload-1',
      'user.name': 'acme',
      'client.address': '192.0.2.1',
      'client.port': 49152,
      'session.id': 'test-connection',
      'sluice.result': 'ok',
      'sluice.bytes': 5,
      'sluice.etag': stored.etag,
      'aws.s3.bucket': stored.location?.bucket,
      'aws.s3.key': stored.location?.key,
    });
  });

  test('what is called within runs within its span, so that clients of AWS hang theirs below it', async () => {
    const active: (string | undefined)[] = [];
    let scope: Scope | undefined;
    const note = async () => {
      await turn();
      scope?.run(() => active.push((trace.getActiveSpan() as { name?: string } | undefined)?.name));
    };
    const inner = withUpload((inner) => ({
      writeChunk: (offset, chunk) => {
        const noted = note();
        inner.writeChunk(offset, chunk);
        return noted;
      },
      finishWrite: async () => {
        await note();
        return await inner.finishWrite();
      },
    }));
    const backend = traced({
      ...inner,
      beginWrite: async (call, ...args) => {
        scope = call.scope;
        await note();
        return await inner.beginWrite(call, ...args);
      },
      fileInfo: async (call, path) => {
        scope = call.scope;
        await note();
        return await inner.fileInfo(call, path);
      },
    });
    const upload = await backend.beginWrite(call, '/a', REPLACE);
    await upload.writeChunk(0, bytes(1));
    await upload.writeChunk(10, bytes(1));
    await upload.finishWrite();
    await backend.fileInfo(call, '/a');
    expect(active).toEqual([
      'backend.begin_write',
      'backend.write_chunk',
      'backend.write_chunk',
      'backend.finish_write',
      'backend.file_info',
    ]);
    // Nobody is mistaken for it afterwards.
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  test('one span covers the writes of one part, and says how many, how much and where', async () => {
    const upload = await traced(withUpload()).beginWrite(call, '/a', REPLACE);
    for (const offset of [0, 4, 8, 12, 16, 18]) upload.writeChunk(offset, bytes(offset === 18 ? 2 : 4));
    await upload.finishWrite();
    const chunks = spans().filter(({ name }) => name === 'backend.write_chunk');
    expect(chunks.map(({ attributes }) => attributes)).toMatchObject([
      {
        'sluice.write.count': 3,
        'sluice.bytes': 12,
        'sluice.write.first_offset': 0,
        'sluice.write.last_offset': 11,
        'sluice.result': 'ok',
      },
      {
        'sluice.write.count': 3,
        'sluice.bytes': 10,
        'sluice.write.first_offset': 12,
        'sluice.write.last_offset': 19,
      },
    ]);
  });

  test('without parts, writes are grouped by 8 MiB', async () => {
    const upload = await traced(createMemoryBackend()).beginWrite(call, '/a', REPLACE);
    const MiB = 1024 * 1024;
    for (const offset of [0, 4 * MiB, 8 * MiB - 1, 8 * MiB, 17 * MiB]) upload.writeChunk(offset, bytes(1));
    await upload.abortWrite();
    const chunks = spans().filter(({ name }) => name === 'backend.write_chunk');
    expect(chunks.map(({ attributes }) => attributes['sluice.write.count'])).toEqual([3, 1, 1]);
  });

  test('with "each" every write has a span of its own', async () => {
    const upload = await traced(withUpload(), { chunkSpans: 'each' }).beginWrite(call, '/a', REPLACE);
    for (const offset of [0, 1, 2]) upload.writeChunk(offset, bytes(1));
    await upload.finishWrite();
    const chunks = spans().filter(({ name }) => name === 'backend.write_chunk');
    expect(chunks.map(({ attributes }) => attributes)).toMatchObject(
      [0, 1, 2].map((offset) => ({
        'sluice.write.count': 1,
        'sluice.bytes': 1,
        'sluice.write.first_offset': offset,
        'sluice.write.last_offset': offset,
      })),
    );
  });

  test('a write costs no promise when the backend has room, and waits when it has not', async () => {
    let room: Promise<void> | undefined;
    const upload = await traced(withUpload(() => ({ writeChunk: () => room }))).beginWrite(
      call,
      '/a',
      REPLACE,
    );
    expect(upload.writeChunk(0, bytes(1))).toBeUndefined();
    room = Promise.resolve();
    const waiting = upload.writeChunk(1, bytes(1));
    expect(waiting).toBeInstanceOf(Promise);
    await waiting;
    expect(upload.size).toBe(0);
  });
});

describe('an upload that fails', () => {
  const error = new FsError('ENOSPC', 'full', { path: '/a' });
  const refusals: readonly (readonly [string, () => Promise<void> | void])[] = [
    [
      'throws',
      () => {
        throw error;
      },
    ],
    ['rejects', () => Promise.reject(error)],
  ];

  test.each(refusals)(
    'at a write that %s: ERROR and one exception on that span, the error as it is',
    async (_, refuse) => {
      let writes = 0;
      const backend = traced(
        withUpload(() => ({ writeChunk: () => (++writes === 2 ? refuse() : undefined) })),
      );
      const upload = await backend.beginWrite(call, '/a', REPLACE);
      upload.writeChunk(0, bytes(3));
      await expect((async () => upload.writeChunk(3, bytes(3)))()).rejects.toBe(error);
      const chunk = only('backend.write_chunk');
      expect(chunk.status.code).toBe(SpanStatusCode.ERROR);
      expect(exceptions(chunk)).toHaveLength(1);
      expect(chunk.attributes).toMatchObject({ 'sluice.result': 'ENOSPC', 'sluice.write.count': 2 });
      upload.writeChunk(6, bytes(1));
      await upload.abortWrite();
      expect(only('backend.abort_write').attributes['sluice.result']).toBe('ok');
      expect(only('sluice.upload').status.code).toBe(SpanStatusCode.ERROR);
      expect(names().filter((name) => name === 'backend.write_chunk')).toHaveLength(2);
    },
  );

  test('to begin: both spans end with ERROR', async () => {
    const options = { ...REPLACE, create: false };
    await expect(traced(withUpload()).beginWrite(call, '/none', options)).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(names()).toEqual(['backend.begin_write', 'sluice.upload']);
    for (const span of spans()) {
      expect(span.status.code).toBe(SpanStatusCode.ERROR);
      expect(span.attributes['sluice.result']).toBe('ENOENT');
      expect(exceptions(span)).toHaveLength(1);
    }
  });

  test('to finish: both spans end with ERROR, and it is logged', async () => {
    const backend = traced(withUpload(() => ({ finishWrite: () => Promise.reject(error) })));
    const upload = await backend.beginWrite(call, '/a', REPLACE);
    await expect(upload.finishWrite()).rejects.toBe(error);
    for (const name of ['backend.finish_write', 'sluice.upload']) {
      expect(only(name).status.code).toBe(SpanStatusCode.ERROR);
      expect(only(name).attributes['sluice.result']).toBe('ENOSPC');
      expect(exceptions(only(name))).toHaveLength(1);
    }
    expect(logged.slice(1)).toMatchObject([
      { level: 'warn', message: 'upload failed', fields: { result: 'ENOSPC', err: error } },
    ]);
  });

  test('because nobody closed it: its span ends with ERROR, and it is logged', async () => {
    const upload = await traced(withUpload()).beginWrite(call, '/a', REPLACE);
    upload.writeChunk(0, bytes(5));
    await upload.abortWrite();
    expect(names()).toEqual([
      'backend.begin_write',
      'backend.write_chunk',
      'backend.abort_write',
      'sluice.upload',
    ]);
    expect(only('sluice.upload').status.code).toBe(SpanStatusCode.ERROR);
    expect(only('sluice.upload').attributes['sluice.result']).toBe('ECONNABORTED');
    expect(logged.slice(1)).toMatchObject([{ level: 'warn', message: 'upload aborted' }]);
  });

  test('to abort: the span still ends, and the error is rethrown', async () => {
    const backend = traced(withUpload(() => ({ abortWrite: () => Promise.reject(error) })));
    const upload = await backend.beginWrite(call, '/a', REPLACE);
    await expect(upload.abortWrite()).rejects.toBe(error);
    expect(only('backend.abort_write').status.code).toBe(SpanStatusCode.ERROR);
    expect(only('sluice.upload').status.code).toBe(SpanStatusCode.ERROR);
  });
});

describe('the job of an upload', () => {
  const QUEUE_URL = 'https://sqs.eu-west-1.amazonaws.com/1/jobs';

  function ingesting(backend: StreamingBackend, hooks: JobHooks = {}) {
    const { jobs, publisher } = watchJobs(hooks);
    const isTemporary = (path: string) => path.endsWith('.part');
    const traced = withPublisherTelemetry(publisher, {
      tracer,
      metrics,
      listener: undefined,
      queueUrl: QUEUE_URL,
    });
    return {
      backend: withIngestion(backend, { publisher: traced, isTemporary, reportsRenames: false, log }),
      jobs,
    };
  }

  test('is sent within its trace, and carries the span that sent it', async () => {
    const { backend, jobs } = ingesting(withUpload());
    const upload = await traced(backend).beginWrite(call, '/a', REPLACE);
    await upload.finishWrite();
    const send = only('sqs.send');
    const { traceId, spanId } = send.spanContext();
    expect(send.kind).toBe(SpanKind.PRODUCER);
    expect(send.parentSpanContext?.spanId).toBe(only('backend.finish_write').spanContext().spanId);
    expect(traceId).toBe(only('sluice.upload').spanContext().traceId);
    expect(send.links).toEqual([]);
    expect(send.attributes).toMatchObject({
      'messaging.system': 'aws_sqs',
      'messaging.destination.name': 'jobs',
      'sluice.upload.id': 'upload-1',
      'sluice.job.place': 'queue',
      'sluice.result': 'ok',
    });
    expect(jobs.map(({ trace }) => trace)).toEqual([{ traceparent: `00-${traceId}-${spanId}-01` }]);
  });

  test('that a rename delivers is sent within the trace of the upload, linked to the rename', async () => {
    const { backend, jobs } = ingesting(createMemoryBackend());
    const upload = await traced(backend).beginWrite(call, '/a.part', REPLACE);
    await upload.finishWrite();
    await traced(backend).rename(call, '/a.part', '/a');
    const send = only('sqs.send');
    const uploaded = only('sluice.upload').spanContext();
    expect(send.spanContext().traceId).toBe(uploaded.traceId);
    expect(send.parentSpanContext?.spanId).toBe(uploaded.spanId);
    const renamed = only('backend.rename').spanContext();
    expect(renamed.traceId).not.toBe(uploaded.traceId);
    expect(send.links.map(({ context }) => context.spanId)).toEqual([renamed.spanId]);
    expect(jobs[0]?.trace?.traceparent).toContain(send.spanContext().spanId);
  });

  test('that cannot be sent marks its span, that of the finish and that of the upload', async () => {
    const error = new Error('SQS is gone');
    const { backend } = ingesting(withUpload(), { publish: () => Promise.reject(error) });
    const upload = await traced(backend).beginWrite(call, '/a', REPLACE);
    await expect(upload.finishWrite()).rejects.toBe(error);
    for (const name of ['sqs.send', 'backend.finish_write', 'sluice.upload']) {
      expect(only(name).status.code).toBe(SpanStatusCode.ERROR);
      expect(exceptions(only(name))).toHaveLength(1);
    }
  });
});

describe('the report of a failed upload', () => {
  const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/1/jobs';
  const failureQueueUrl = 'https://sqs.eu-west-1.amazonaws.com/1/failures';

  function reporting(backend: StreamingBackend, places: readonly JobPlace[] = ['outbox']) {
    const { failures, failureTraces, publisher } = watchJobs({ reportFailure: async () => places[0] });
    const sending = withPublisherTelemetry(publisher, {
      tracer,
      metrics,
      listener: undefined,
      queueUrl,
      failureQueueUrl,
    });
    return { backend: traced(withFailureEvents(backend, sending)), failures, failureTraces };
  }

  const fail = {
    'backend.begin_write': (backend: StreamingBackend) =>
      backend.beginWrite(call, '/a', { ...REPLACE, create: false }),
    'backend.abort_write': async (backend: StreamingBackend) =>
      (await backend.beginWrite(call, '/a', REPLACE)).abortWrite(),
    'backend.finish_write': async (backend: StreamingBackend) => {
      const upload = await backend.beginWrite(call, '/a', { ...REPLACE, exclusive: true });
      await backend.writeFile(call, '/a', bytes(1));
      await upload.finishWrite();
    },
  };

  test.each(Object.entries(fail))(
    'is sent below %s, and carries the span that sent it',
    async (name, run) => {
      const { backend, failures, failureTraces } = reporting(createMemoryBackend());
      await run(backend).catch(() => undefined);
      await turn();
      const send = only('sqs.send');
      const { traceId, spanId } = send.spanContext();
      expect(send.kind).toBe(SpanKind.PRODUCER);
      expect(send.parentSpanContext?.spanId).toBe(only(name).spanContext().spanId);
      expect(traceId).toBe(only('sluice.upload').spanContext().traceId);
      expect(send.attributes).toMatchObject({
        'messaging.destination.name': 'failures',
        'sluice.upload.id': 'upload-1',
        'sluice.job.place': 'outbox',
        'sluice.result': 'ok',
      });
      expect(failures).toHaveLength(1);
      expect(failureTraces).toEqual([{ traceparent: `00-${traceId}-${spanId}-01` }]);
    },
  );

  test("that is lost marks its span, and is nobody's failure", async () => {
    const { backend } = reporting(createMemoryBackend(), []);
    await fail['backend.abort_write'](backend);
    await turn();
    expect(only('sqs.send').status.code).toBe(SpanStatusCode.ERROR);
    expect(only('backend.abort_write').status.code).toBe(SpanStatusCode.UNSET);
  });
});

test('a finished upload is logged with its trace, and without content', async () => {
  const upload = await traced(withUpload()).beginWrite(call, '/a', REPLACE);
  upload.writeChunk(0, Buffer.from('the content'));
  await upload.finishWrite();
  const { traceId } = only('sluice.upload').spanContext();
  expect(logged).toMatchObject([
    { level: 'debug', message: 'upload begun', fields: { activityType: 'OPEN', path: '/a', traceId } },
    {
      level: 'info',
      message: 'upload finished',
      fields: {
        activityType: 'CLOSE',
        sessionId: 'test-connection',
        sourceIp: '192.0.2.1',
        user: 'acme',
        uploadId: 'upload-1',
        path: '/a',
        bytesIn: 11,
        result: 'ok',
        traceId,
        spanId: only('backend.finish_write').spanContext().spanId,
      },
    },
  ]);
  expect(JSON.stringify(logged)).not.toContain('the content');
});
